{{- /* The same pods, whoever makes them: this chart's deployments, or the Dask operator, which knows ports by these names. */ -}}
{{- define "voxlake.dask.scheduler" -}}
{{ include "voxlake.pod" . }}
containers:
  - name: scheduler
    {{- include "voxlake.container" . | nindent 4 }}
    command: [dask, scheduler, --port, "8786", --dashboard-address, ":8787"]
    env: [{ name: DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP, value: 15s }]
    ports:
      - { name: tcp-comm, containerPort: 8786, protocol: TCP }
      - { name: http-dashboard, containerPort: 8787, protocol: TCP }
    readinessProbe: { httpGet: { path: /health, port: http-dashboard }, periodSeconds: 5 }
    resources: { requests: { cpu: 500m, memory: 1Gi }, limits: { memory: 4Gi } }
{{ include "voxlake.volumes" . }}
{{- end }}

{{- /* Without the operator it is told its own name and that of the scheduler, as the operator tells both. */ -}}
{{- define "voxlake.dask.worker" -}}
{{ include "voxlake.pod" . }}
containers:
  - name: worker
    {{- include "voxlake.container" . | nindent 4 }}
    command:
      - dask
      - worker
      - --name=$(DASK_WORKER_NAME)
      - --nthreads={{ .Values.dask.threads }}
      - --memory-limit=1.0
      - --local-directory=/spool
      - --no-dashboard
      - --death-timeout=60
    env:
      {{- if ne .Values.dask.by "operator" }}
      - { name: DASK_SCHEDULER_ADDRESS, value: {{ include "voxlake.scheduler" . }} }
      - { name: DASK_WORKER_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
      {{- end }}
      - { name: DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP, value: 15s }
      - { name: DASK_DISTRIBUTED__WORKER__MEMORY__TARGET, value: "False" }
      - { name: DASK_DISTRIBUTED__WORKER__MEMORY__SPILL, value: "False" }
      - { name: DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE, value: "False" }
      - { name: DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE, value: "0.95" }
      {{- range $name, $value := .Values.settings }}
      {{- if and $value (regexMatch "^(VOXLAKE_S3|VOXLAKE_STORE|AWS)_" $name) }}
      - { name: {{ $name }}, value: {{ $value | quote }} }
      {{- end }}
      {{- end }}
      {{- with include "voxlake.caFile" . }}
      - { name: VOXLAKE_CA_FILE, value: {{ . | quote }} }
      {{- end }}
      {{- range $name := list "VOXLAKE_S3_ACCESS_KEY_ID" "VOXLAKE_S3_SECRET_ACCESS_KEY" }}
      - { name: {{ $name }}, valueFrom: { secretKeyRef: { name: {{ $.Values.secret }}, key: {{ $name }} } } }
      {{- end }}
    resources: {{ toYaml .Values.dask.resources | nindent 6 }}
{{ include "voxlake.volumes" . }}
{{- end }}

{{- /* The operator leaves pods as they were begun: other pods are another cluster, whose scheduler has another address. */ -}}
{{- define "voxlake.dask.name" -}}
{{- if eq .Values.dask.by "operator" -}}
{{- $pods := printf "%s%s" (include "voxlake.dask.scheduler" .) (include "voxlake.dask.worker" .) -}}
{{ printf "%s-%s" (.Release.Name | trunc 44 | trimSuffix "-") ($pods | sha256sum | trunc 8) }}
{{- else -}}
{{ .Release.Name }}
{{- end }}
{{- end }}

{{- define "voxlake.scheduler" -}}
{{ .Values.dask.scheduler | default (printf "tcp://%s-scheduler:8786" (include "voxlake.dask.name" .)) }}
{{- end }}
