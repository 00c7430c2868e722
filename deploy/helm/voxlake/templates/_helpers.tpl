{{- define "voxlake.labels" -}}
app.kubernetes.io/name: voxlake
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "voxlake.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end }}

{{- /* What every pod is: nobody, with nothing that it may write but three empty folders. */ -}}
{{- define "voxlake.pod" -}}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "voxlake.container" -}}
image: {{ include "voxlake.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
volumeMounts:
  - { name: tmp, mountPath: /tmp }
  - { name: spool, mountPath: /spool }
  - { name: kernels, mountPath: /kernels }
  {{- if .Values.authorities }}
  - { name: authorities, mountPath: /etc/voxlake/authorities, readOnly: true }
  {{- end }}
{{- end }}

{{- define "voxlake.volumes" -}}
volumes:
  - { name: tmp, emptyDir: {} }
  - { name: spool, emptyDir: { sizeLimit: {{ .Values.dask.spool }} } }
  # What was compiled is not compiled again by a container that starts anew in its pod.
  - { name: kernels, emptyDir: { sizeLimit: 1Gi } }
  {{- with .Values.authorities }}
  - { name: authorities, configMap: { name: {{ . }} } }
  {{- end }}
{{- end }}

{{- define "voxlake.caFile" -}}
{{- if and .Values.authorities .Values.settings.VOXLAKE_CA_FILE -}}
{{- fail "authorities names a ConfigMap, and settings.VOXLAKE_CA_FILE a file of the image: leave one of them out" }}
{{- end -}}
{{- if .Values.authorities }}/etc/voxlake/authorities/ca.pem{{ else }}{{ .Values.settings.VOXLAKE_CA_FILE | default "" }}{{ end }}
{{- end }}

{{- define "voxlake.data" -}}
{{- range $name, $value := .Values.settings }}
{{- if $value }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end }}
{{- if .Values.authorities }}
VOXLAKE_CA_FILE: {{ include "voxlake.caFile" . }}
{{- end }}
VOXLAKE_SCHEDULER: {{ include "voxlake.scheduler" . }}
VOXLAKE_MEMORY_LIMIT_BYTES: {{ .Values.dask.taskBytes | quote }}
VOXLAKE_GATEWAY_MEMORY_BYTES: {{ .Values.gateway.memoryBytes | quote }}
VOXLAKE_GATEWAY_DRAIN_S: {{ .Values.gateway.drainSeconds | quote }}
VOXLAKE_GATEWAY_GRACE_S: {{ .Values.gateway.graceSeconds | quote }}
{{- end }}

{{- /* All that opens the lake has all settings; Dask workers read and write voxels alone. */ -}}
{{- define "voxlake.settings" -}}
envFrom:
  - configMapRef: { name: {{ .Release.Name }}-settings }
  - secretRef: { name: {{ .Values.secret }} }
{{- end }}
