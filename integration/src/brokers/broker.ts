// A real broker for tests: what a provider gives, whatever it got the broker from.

export interface RunningBroker {
	/** As an application would be given it. */
	readonly url: string;
	readonly version: string;
	/** Where it came from, for the report: "native (/usr/bin/redis-server)", "Testcontainers (redis:8.0)", "POLYLOG_TEST_REDIS_URL" … */
	readonly how: string;
	readonly host: string;
	readonly port: number;
	/** Starts it again after `stop` or `kill`, on the same port and data. */
	start(): Promise<void>;
	/** Ends it in good order (SIGTERM). */
	stop(): Promise<void>;
	/** SIGKILL. */
	kill(): Promise<void>;
	/** SIGSTOP, or a container's freezer: it accepts connections and answers nothing. */
	pause(): void | Promise<void>;
	/** Undoes `pause`. */
	resume(): void | Promise<void>;
	/** `stop`, then `start`. */
	restart(): Promise<void>;
	/** What it wrote so far. */
	logs(): string;
	/** Stops it and removes its data; done by itself when the process exits, for a container when the run ends. */
	dispose(): Promise<void>;
	[Symbol.asyncDispose](): Promise<void>;
}
