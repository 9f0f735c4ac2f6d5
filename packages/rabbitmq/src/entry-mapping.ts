// Entries of journals and of the catalogue ⇄ AMQP messages. Pure.
//
// While a broker is short of memory or disk it stops reading a connection as soon as that has published a message's
// header. A message without a body is complete then: so entries travel in a header, where they fit, and groups go on
// committing while no record can be published.
import type { ConsumeMessage } from "amqplib";
import type { AmqpMessage } from "./message-mapping.ts";

const ENTRY = "x-polylog-entry";
/** amqplib writes headers into 64 KiB. */
const MAX_HEADER_BYTES = 48_000;
const EMPTY = Buffer.alloc(0);

/** Whether the entry needs a body, which no broker takes that is short of memory. */
export function needsBody(entry: Uint8Array): boolean {
	return entry.length > MAX_HEADER_BYTES;
}

export function entryMessage(entry: Uint8Array, messageId: string): AmqpMessage {
	const bytes = Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength);
	if (needsBody(entry)) return { content: bytes, options: { mandatory: true, messageId } };
	return { content: EMPTY, options: { mandatory: true, messageId, headers: { [ENTRY]: bytes } } };
}

export function entryBytes({ properties, content }: ConsumeMessage): Buffer {
	const entry: unknown = properties.headers?.[ENTRY];
	if (Buffer.isBuffer(entry)) return entry;
	// RabbitMQ 4 gives bytes back as text. Entries are text.
	return typeof entry === "string" ? Buffer.from(entry) : content;
}
