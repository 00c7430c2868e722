# The two commands of the README, and what they are made of.
# Everything is installed into this folder: uv into .tools, packages into .venv.

UV := .tools/bin/uv
BIN := .venv/bin
PIP := $(UV) pip install --quiet --python .venv
VIEWER := api/voxlake/api/static/neuroglancer/index.html
READERS := tests/readers/node_modules/.package-lock.json
PROVIDER := tests/servers/oidc_provider/node_modules/.package-lock.json
AZURITE := tests/servers/azurite/node_modules/.package-lock.json

# Every command, worker and test starts a Python: without compiled modules each would compile them anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo ready test installations containers coverage proofs requests aborts hostile faults fuzz writes chaos soak times alerts check bench format viewer browser prometheus pins wheel pictures docs clean
.DEFAULT_GOAL := demo

demo: .venv/run.stamp viewer  ## Build a lake from real data and show it: make demo ARGS="--no-serve"
	$(BIN)/voxlake demo $(ARGS)

ready: .venv/dev.stamp viewer browser prometheus $(READERS) $(PROVIDER) $(AZURITE)  ## Fetch all that the tests use

RUNNER :=

test: ready  ## Run the tests: make test ARGS="-k box"
	$(RUNNER) $(BIN)/pytest $(ARGS)

coverage: ready  ## Run the tests, and tell which lines and branches they reach
	$(BIN)/pytest --cov --cov-report=term:skip-covered $(ARGS)

installations: .venv/dev.stamp $(READERS) $(PROVIDER) $(AZURITE)  ## Run the tests that have a lake on S3 with PostgreSQL
	VOXLAKE_TEST_INSTALLATION=s3-postgres $(BIN)/pytest $(ARGS)

CONTAINERS := $(or $(TMPDIR),/tmp)/voxlake-containers

containers: ready  ## Build and start the installation with Docker, which is fetched: make containers CONTAINERS=FOLDER
	VOXLAKE_TEST_CONTAINERS=$(CONTAINERS) $(BIN)/pytest -n0 -o faulthandler_timeout=0 --durations=5 tests/deploy/containers/composition.py tests/deploy/containers/pinning.py

EXAMPLES := 200
LABEL_INDEX := tests/ngff/labels

proofs: .venv/dev.stamp  ## Try the protocol of the label index at length, some minutes
	VOXLAKE_HISTORIES=$(EXAMPLES) VOXLAKE_INDEX_EXAMPLES=$(EXAMPLES) $(BIN)/pytest --dist=load --maxschedchunk=1 -o faulthandler_timeout=0 --durations=5 \
	  $(LABEL_INDEX)/protocol/test_any_history.py $(LABEL_INDEX)/protocol/test_protocol.py $(LABEL_INDEX)/upkeep/test_two_compactors.py \
	  $(LABEL_INDEX)/bulk/test_histories.py $(LABEL_INDEX)/objects/test_protocol.py

REQUESTS := 5000

requests: .venv/dev.stamp  ## Try the gateway with any requests at length, some minutes: make requests REQUESTS=20000
	VOXLAKE_API_REQUESTS=$(REQUESTS) $(BIN)/pytest -n0 -o timeout=3600 -o faulthandler_timeout=0 tests/api/routes/test_any_request.py

BODIES := 100000

fuzz: .venv/dev.stamp  ## Give the parsers of bodies what nobody wrote, some minutes: make fuzz BODIES=1000000
	VOXLAKE_FUZZED_BODIES=$(BODIES) $(BIN)/pytest -n0 -o timeout=3600 -o faulthandler_timeout=0 --durations=4 tests/api/formats/parsing

WRITES := 8000
KILLS := 10

writes: .venv/dev.stamp  ## Write labels over HTTP while the gateway is killed, some minutes: make writes KILLS=50
	VOXLAKE_TEST_WRITES=$(WRITES) VOXLAKE_TEST_WRITE_KILLS=$(KILLS) $(BIN)/pytest -n0 -o faulthandler_timeout=0 tests/integration/test_writes_over_http.py

HOSTILE := 10000

hostile: .venv/dev.stamp  ## Attack the gateway at length, some minutes: make hostile HOSTILE=50000
	VOXLAKE_HOSTILE_REQUESTS=$(HOSTILE) $(BIN)/pytest -n0 -s -o timeout=3600 -o faulthandler_timeout=0 tests/benchmarks/test_gateway_hostile.py

ABORTED := 10000

aborts: .venv/dev.stamp  ## Try what stays of clients that leave, some minutes: make aborts ABORTED=100000
	VOXLAKE_ABORTED_REQUESTS=$(ABORTED) $(BIN)/pytest -n0 -o timeout=3600 -o faulthandler_timeout=0 tests/benchmarks/test_many_leave.py

MINUTES := 10

chaos: .venv/dev.stamp  ## Kill gateways and workers at random while jobs run, for minutes: make chaos MINUTES=30
	VOXLAKE_CHAOS_MINUTES=$(MINUTES) $(BIN)/pytest -n0 -s -o faulthandler_timeout=0 tests/integration/test_chaos.py

SOAK_SECONDS := 1800

soak: .venv/dev.stamp  ## Ask two gateways for 80 % of what they can, for half an hour: make soak SOAK_SECONDS=600
	VOXLAKE_SOAK_SECONDS=$(SOAK_SECONDS) $(BIN)/pytest -n0 -s -o faulthandler_timeout=0 tests/integration/soak.py

FAULT_ROUNDS := 200

faults: .venv/dev.stamp  ## Have the store fail under every client at length, some minutes: make faults FAULT_ROUNDS=1000
	VOXLAKE_FAULT_ROUNDS=$(FAULT_ROUNDS) $(BIN)/pytest -n0 -o faulthandler_timeout=0 --durations=8 tests/integration/test_faults.py

TIMED := 2000

times: .venv/dev.stamp  ## Try whether a clock tells hidden from absent: make times TIMED=5000
	VOXLAKE_TIMED_REQUESTS=$(TIMED) $(BIN)/pytest -n0 -s -o timeout=3600 -o faulthandler_timeout=0 tests/api/routes/timed_absent.py

alerts: .venv/dev.stamp prometheus  ## Bring each alert about on real servers, and have people told of it
	$(BIN)/pytest -n0 -o faulthandler_timeout=0 tests/deploy/monitoring/situations.py

check: .venv/dev.stamp  ## Lint, types and import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/bench.stamp  ## Measure beside all peers: make bench ARGS="ingest --source fib25"
	$(BIN)/python -m benchmarks $(ARGS)

format: .venv/dev.stamp  ## Mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

wheel: .venv/dev.stamp viewer  ## Build the wheel, viewer included, into dist/
	rm -rf dist
	$(UV) build --quiet --wheel --no-build-isolation --python .venv --out-dir dist

pictures: .venv/dev.stamp viewer browser  ## Take the picture of the README anew, of the real sample
	VOXLAKE_PICTURES=docs/images $(BIN)/pytest -n0 tests/api/views/viewer/test_pictures.py

docs: .venv/docs.stamp  ## Build the site of the documentation into dist/docs: make docs ARGS="-D nb_execution_mode=force"
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -c docs -d dist/doctrees . dist/docs $(ARGS)

viewer: $(VIEWER)  ## Build Neuroglancer into static files, if Node is here

$(VIEWER): $(wildcard api/viewer/package-lock.json api/viewer/vite.config.js api/viewer/index.html api/viewer/src/*)
	@if command -v npm > /dev/null; then \
	  cd api/viewer && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && npm run build --silent; \
	else echo "Node is not installed: the gateway will link to the public Neuroglancer instead."; fi

$(READERS) $(PROVIDER) $(AZURITE): %/node_modules/.package-lock.json: %/package-lock.json
	cd $* && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

prometheus:  ## A Prometheus for the tests of deploy/
	@tests/deploy/install

browser: .venv/dev.stamp  ## A Chromium for the browser tests
	@tests/browser/install

pins: $(UV)  ## Pin all dependencies anew
	$(UV) pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-annotate requirements/uv.in -o requirements/uv.txt
	$(UV) pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-annotate pyproject.toml --group build --extra dashboard --extra traces -o requirements/run.txt $(PINS)
	$(UV) pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-annotate pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt $(PINS)
	$(UV) pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-annotate pyproject.toml --group docs -c requirements/dev.txt -o requirements/docs.txt $(PINS)
	$(UV) pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-annotate pyproject.toml --group bench -c requirements/dev.txt -o requirements/bench.txt $(PINS)
	$(UV) pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-annotate requirements/boss-ingest.in --override requirements/boss-ingest-overrides.txt -o requirements/boss-ingest.txt $(PINS)

clean:  ## Remove everything that was installed or built here
	rm -rf .tools .venv dist api/viewer/node_modules tests/readers/node_modules tests/servers/oidc_provider/node_modules tests/servers/azurite/node_modules api/voxlake/api/static/neuroglancer demo-lake

$(UV): requirements/uv.txt
	python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --require-hashes --upgrade --target .tools -r requirements/uv.txt
	@touch $(UV)

.venv/python.stamp: $(UV) .python-version
	$(UV) venv --quiet --clear .venv
	@touch $@

.venv/run.stamp: .venv/python.stamp requirements/run.txt pyproject.toml
	$(PIP) --require-hashes -r requirements/run.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: .venv/python.stamp requirements/dev.txt pyproject.toml
	$(PIP) --require-hashes -r requirements/dev.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@ .venv/run.stamp

.venv/docs.stamp: .venv/dev.stamp requirements/docs.txt
	$(PIP) --require-hashes -r requirements/docs.txt
	@touch $@

.venv/bench.stamp: .venv/python.stamp requirements/bench.txt pyproject.toml
	$(PIP) --require-hashes -r requirements/bench.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@ .venv/dev.stamp .venv/run.stamp
