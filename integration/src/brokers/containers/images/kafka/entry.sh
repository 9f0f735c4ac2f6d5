#!/bin/bash
# As the official image: KAFKA_A_B=x becomes a.b=x ("__" is "_", "___" is "-"), but for what is for the JVM; then format once, and run.
set -euo pipefail
properties=/opt/kafka/config/server.properties
logging=/opt/kafka/config/log4j2.xml
: > "$properties"
while IFS='=' read -r -d '' name value; do
	case "$name" in
	KAFKA_HEAP_OPTS | KAFKA_OPTS | KAFKA_JVM_PERFORMANCE_OPTS | KAFKA_VERSION | KAFKA_JMX_OPTS | KAFKA_GC_LOG_OPTS | KAFKA_LOG4J_*) ;;
	KAFKA_*)
		key=$(sed -e 's/^KAFKA_//' -e 's/___/-/g' -e 's/__/\x01/g' -e 's/_/./g' -e 's/\x01/_/g' <<< "$name" | tr '[:upper:]' '[:lower:]')
		printf '%s=%s\n' "$key" "$value" >> "$properties"
		;;
	esac
done < <(env -0)
cat > "$logging" << XML
<Configuration status="ERROR"><Appenders><Console name="C"><PatternLayout pattern="[%d] %p %m (%c)%n"/></Console></Appenders>
<Loggers><Root level="${KAFKA_LOG4J_ROOT_LOGLEVEL:-INFO}"><AppenderRef ref="C"/></Root></Loggers></Configuration>
XML
options="${KAFKA_HEAP_OPTS:--Xmx768m} ${KAFKA_JVM_PERFORMANCE_OPTS:-} ${KAFKA_OPTS:-} -Dlog4j2.configurationFile=file:$logging"
classes='/opt/kafka/libs/*'
if ! grep -rqs '^cluster.id=' "${KAFKA_LOG_DIRS:-/tmp/kraft-combined-logs}/meta.properties"; then
	java -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dlog4j2.configurationFile="file:$logging" -cp "$classes" \
		kafka.tools.StorageTool format --ignore-formatted -t "${CLUSTER_ID:-5L6g3nShT-eMCtK--X86sw}" -c "$properties" > /dev/null
fi
# shellcheck disable=SC2086
exec java $options -cp "$classes" kafka.Kafka "$properties"
