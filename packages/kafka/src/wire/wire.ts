// What the adapter needs of a Kafka client: connections that carry requests. Everything above (which request, in which
// version, what its answer means for which partition) is the adapter's own, as plain data. kafkajs implements this now;
// another client can.
import type { ByteReader, ByteWriter } from "./bytes.ts";

export interface NodeAddress {
	readonly host: string;
	readonly port: number;
}

export interface KafkaWire {
	/** Opens, secures and authenticates one connection. Rejects within the configured time, or with the signal's reason. */
	open(address: NodeAddress, signal?: AbortSignal): Promise<WireConnection>;
}

/** One socket. The broker answers its requests one after the other, so a request that waits holds up those behind it. */
export interface WireConnection {
	readonly alive: boolean;
	/** Sends one request and resolves to the body of its answer. Rejects when the connection ends before. */
	request(frame: RequestFrame): Promise<Buffer>;
	/** Ends the connection at once; what is under way rejects. Idempotent. */
	destroy(reason: Error): void;
}

export interface RequestFrame {
	readonly apiKey: number;
	readonly version: number;
	/** Of the body, without any header. */
	readonly body: Buffer;
	readonly flexible: boolean;
}

/** One kind of request with its content: how it is written, and how its answer is read. */
export interface WireRequest<T> {
	readonly name: string;
	readonly apiKey: number;
	readonly version: number;
	readonly flexible?: boolean;
	/** How long the broker may hold it back, in ms, on top of the ordinary time for an answer. */
	readonly holdMs?: number;
	write(writer: ByteWriter): void;
	read(reader: ByteReader): T;
}
