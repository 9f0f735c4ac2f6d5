// Leaders and coordinators move, and those that are new to it have to load first: that passes, and is waited for.
import { type Clock, sleep } from "@polylog/core/driver";
import { classifyCode, KafkaError } from "./error-codes.ts";

const RETRY_MS = 25;
const RETRY_MAX_MS = 500;

/** Repeats while Kafka answers that it cannot serve now, but no longer than `withinMs`. Other errors come at once. */
export async function patiently<T>(clock: Clock, withinMs: number, ask: () => Promise<T>, signal?: AbortSignal): Promise<T> {
	const deadline = clock.now() + withinMs;
	for (let delayMs = RETRY_MS; ; delayMs = Math.min(delayMs * 2, RETRY_MAX_MS)) {
		try {
			return await ask();
		} catch (error) {
			if (!(error instanceof KafkaError) || classifyCode(error.errorCode).code !== "UNAVAILABLE" || clock.now() >= deadline) throw error;
		}
		await sleep(clock, delayMs, signal);
	}
}
