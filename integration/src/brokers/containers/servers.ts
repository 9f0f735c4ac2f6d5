// The servers that tests run in containers: whose image, and what an equivalent is built of where no image can be pulled.

export type ContainerServer = "redis" | "valkey" | "rabbitmq" | "kafka";

export interface ServerImage {
	readonly series: string;
	/** May be changed by POLYLOG_TEST_NAME_IMAGE. */
	readonly official: string;
	readonly variable: string;
	/** Of the equivalent. */
	readonly own: string;
}

const image = (server: ContainerServer, series: string, official: string): ServerImage => ({
	series,
	official,
	variable: `POLYLOG_TEST_${server.toUpperCase()}_IMAGE`,
	own: `polylog-tests/${server}:${series}`,
});

export const KAFKA_VERSION = "4.1.1";

/** The series are those of Debian trixie (and for Kafka, of Maven Central), so that an equivalent is one. */
export const SERVER_IMAGES: Readonly<Record<ContainerServer, ServerImage>> = {
	redis: image("redis", "8.0", "redis:8.0"),
	valkey: image("valkey", "8.1", "valkey/valkey:8.1"),
	rabbitmq: image("rabbitmq", "4.0", "rabbitmq:4.0"),
	kafka: image("kafka", "4.1", `apache/kafka:${KAFKA_VERSION}`),
};
