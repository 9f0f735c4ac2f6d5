/** Where the library says what it does by itself (reconnects, lost places, stopped partitions). */
export interface Log {
	info(message: string): void;
	warn(message: string): void;
	error(message: string): void;
}

/** The default: warnings and errors to stderr. */
export const stderrLog: Log = {
	info: () => {},
	warn: (message) => console.error(`polylog: ${message}`),
	error: (message) => console.error(`polylog: ${message}`),
};

export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} };
