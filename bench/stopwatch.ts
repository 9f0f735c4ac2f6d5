// Time passed and processor time spent. On a machine that others use too, the second is the steadier of the two.

export interface Instant {
	readonly wallMs: number;
	/** Of this process, all threads. */
	readonly cpuMs: number;
}

export interface Speed {
	readonly perSecond: number;
	readonly cpuMicros: number;
}

export function now(): Instant {
	const { user, system } = process.cpuUsage();
	return { wallMs: performance.now(), cpuMs: (user + system) / 1000 };
}

export function speed(messages: number, start: Instant, end: Instant): Speed {
	return {
		perSecond: (messages / (end.wallMs - start.wallMs)) * 1000,
		cpuMicros: ((end.cpuMs - start.cpuMs) * 1000) / messages,
	};
}
