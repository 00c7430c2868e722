"""The metrics of all workers of a gateway, whichever of them is asked.

Each series says by the label ``worker`` whose it is: counts of a worker that was started anew begin
at 0, as Prometheus expects of each by itself, and not of a sum.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Thread

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from voxlake.api.workers.worker import Worker

WAITED_S = 2.0
"""For the metrics of another worker; one that does not tell them counts as not being up."""
_HEAD = b"# HELP "
"""What the lines of a metric begin with in the text format."""


class MetricsOfWorkers:
    """Tells other workers the metrics of this one, and asks for theirs."""

    def __init__(self, worker: Worker, registry: CollectorRegistry) -> None:
        self.worker, self._registry = worker, _OfWorker(registry, worker.number)

    def begin(self) -> None:
        """Begin to answer the others, in a thread."""
        place = self._place(self.worker.number)
        place.unlink(missing_ok=True)  # of the worker that died
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(place))
        listener.listen()
        Thread(target=self._answer, args=(listener,), name="metrics", daemon=True).start()

    def text(self) -> bytes:
        """Return the metrics of all workers."""
        numbers = range(self.worker.count)
        texts = {number: self._of(number) for number in numbers}
        up = b"".join(
            b'voxlake_worker_up{worker="%d"} %d\n' % (number, texts[number] is not None)
            for number in numbers
        )
        told = [text for text in texts.values() if text is not None]
        return merged(told) + (
            b"# HELP voxlake_worker_up Whether the worker tells what it counts.\n"
            b"# TYPE voxlake_worker_up gauge\n" + up
        )

    def _of(self, number: int) -> bytes | None:
        if number == self.worker.number:
            return generate_latest(self._registry)
        try:
            with socket.socket(socket.AF_UNIX) as other:
                other.settimeout(WAITED_S)
                other.connect(str(self._place(number)))
                return b"".join(iter(lambda: other.recv(1 << 16), b"")) or None
        except OSError:
            return None

    def _answer(self, listener: socket.socket) -> None:
        while True:
            other, _ = listener.accept()
            try:
                with other:
                    other.settimeout(WAITED_S)
                    other.sendall(generate_latest(self._registry))
            except OSError:
                continue  # it waits no more

    def _place(self, number: int) -> Path:
        return self.worker.folder / f"metrics-{number}"


class _OfWorker(Collector):
    """All metrics of a registry, with a label that says whose they are."""

    def __init__(self, registry: CollectorRegistry, number: int) -> None:
        self._registry, self._label = registry, {"worker": str(number)}

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        for metric in self._registry.collect():
            metric.samples = [
                sample._replace(labels=self._label | sample.labels) for sample in metric.samples
            ]
            yield metric


def merged(texts: Iterable[bytes]) -> bytes:
    r"""Return several texts of metrics as one, in which all samples of a metric are together.

    Examples
    --------
    >>> text = b'# HELP n N.\n# TYPE n gauge\nn{worker="%d"} 5\n'
    >>> print(merged([text % 0, text % 1]).decode(), end="")
    # HELP n N.
    # TYPE n gauge
    n{worker="0"} 5
    n{worker="1"} 5
    """
    samples = dict[bytes, list[bytes]]()
    for text in texts:
        for part in text.split(b"\n" + _HEAD):
            help_line, type_line, told = (part.removeprefix(_HEAD) + b"\n").split(b"\n", 2)
            samples.setdefault(b"\n".join((help_line, type_line, b"")), []).append(
                told.strip(b"\n") + b"\n"
            )
    return b"".join(_HEAD + head + b"".join(each) for head, each in samples.items())
