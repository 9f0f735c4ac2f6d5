import type { OutgoingMessage, Producer } from "@polylog/core";

/** Resolves when all are durable; throws for one that is not for certain: the handler is repeated then. */
export async function sendAll<T>(producer: Producer<T>, messages: readonly OutgoingMessage<T>[], signal?: AbortSignal): Promise<void> {
	for (const receipt of await producer.sendBatch(messages, signal ? { signal } : {})) if (receipt.status !== "ok") throw receipt.error;
}
