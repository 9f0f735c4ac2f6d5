// Declares and deletes the queues that are streams.
import { PolylogError, type Retention } from "@polylog/core/driver";
import type { Channel } from "amqplib";
import { isMissing } from "./errors.ts";
import type { Settings } from "./options.ts";
import type { Probe } from "./probe.ts";

/** Retention removes whole segments: this many make up what it keeps. */
const SEGMENTS = 4;
const SMALLEST_SEGMENT_BYTES = 4000;
const LARGEST_SEGMENT_BYTES = 50_000_000;

export type StreamArguments = Readonly<Record<string, string | number>>;

/** `undefined` limits are none. UNSUPPORTED for a number of records: a stream cannot count. */
export function streamArguments(settings: Settings, retention: Retention | undefined): StreamArguments {
	if (retention?.records !== undefined) {
		throw new PolylogError("UNSUPPORTED", "RabbitMQ cannot limit a stream to a number of records: give its retention in bytes or as ageMs");
	}
	const bytes = retention ? retention.bytes : settings.retentionBytes;
	const ageMs = retention ? retention.ageMs : settings.retentionAgeMs;
	const segment =
		settings.segmentBytes ??
		Math.min(LARGEST_SEGMENT_BYTES, Math.max(SMALLEST_SEGMENT_BYTES, Math.floor((bytes ?? Number.POSITIVE_INFINITY) / SEGMENTS)));
	return {
		"x-queue-type": "stream",
		...(settings.replicas === undefined ? {} : { "x-initial-cluster-size": settings.replicas }),
		...(bytes === undefined ? {} : { "x-max-length-bytes": bytes }),
		...(ageMs === undefined ? {} : { "x-max-age": `${Math.ceil(ageMs / 1000)}s` }),
		"x-stream-max-segment-size-bytes": segment,
	};
}

/** Of a log that is read from its beginning at every start. */
export function shortStreamArguments(settings: Settings): StreamArguments {
	return streamArguments(
		{ ...settings, segmentBytes: Math.max(16_000, Math.floor(settings.journalBytes / 8)) },
		{ bytes: settings.journalBytes },
	);
}

/** Makes the queue unless it exists, with whatever arguments. */
export async function declareStream(probe: Probe, queue: string, args: StreamArguments, signal?: AbortSignal): Promise<void> {
	const options = signal ? { signal } : {};
	try {
		await probe.ask(`declaring the queue "${queue}"`, (channel) => assertStream(channel, queue, args), options);
	} catch (error) {
		// It exists with other arguments, perhaps of other options: they are its own business.
		if (!(error instanceof Error && "code" in error && error.code === 406 && error.message.includes("inequivalent arg"))) throw error;
	}
}

export async function assertStream(channel: Channel, queue: string, args: StreamArguments): Promise<void> {
	await channel.assertQueue(queue, { durable: true, arguments: args });
}

export async function queueExists(probe: Probe, queue: string, signal?: AbortSignal): Promise<boolean> {
	try {
		await probe.ask(`looking for the queue "${queue}"`, (channel) => channel.checkQueue(queue), signal ? { signal } : {});
		return true;
	} catch (error) {
		if (isMissing(error)) return false;
		throw error;
	}
}
