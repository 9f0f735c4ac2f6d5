// One error class, one table of stable codes. Messages may change, codes may not.

interface CodeInfo {
	/** Whether the same call may succeed later without anything being changed by hand. */
	readonly retryable: boolean;
	readonly meaning: string;
	readonly remedy: string;
}

/** Every code, with its cause and remedy; docs/errors.md is generated from this table. */
export const ERROR_CODES = {
	CONFIG_INVALID: {
		retryable: false,
		meaning: "The configuration names no backend, or holds an option that is unknown or malformed.",
		remedy: "Correct the option the message names.",
	},
	ADAPTER_MISSING: {
		retryable: false,
		meaning: "The URL's scheme belongs to an adapter package that cannot be loaded.",
		remedy: "Install the package the message names.",
	},
	UNSUPPORTED: {
		retryable: false,
		meaning: "The backend lacks a capability that was asked for.",
		remedy: "Ask for less, or choose a backend that has it (docs/guarantees.md).",
	},
	CONNECTION_LOST: {
		retryable: true,
		meaning: "The connection to the broker broke, or could not be made.",
		remedy: "Check that the broker runs at the address in the message; the library reconnects by itself.",
	},
	UNAVAILABLE: {
		retryable: true,
		meaning: "The broker answers that it cannot serve now (starting, failing over, lacking replicas).",
		remedy: "Wait; check the broker's own state.",
	},
	TIMEOUT: {
		retryable: true,
		meaning: "The broker did not answer in time.",
		remedy: "Check the broker's load and the network; raise the time limit if they are fine.",
	},
	UNAUTHORIZED: {
		retryable: false,
		meaning: "The broker refused the credentials or the operation.",
		remedy: "Check user, password and permissions.",
	},
	BACKPRESSURE: {
		retryable: true,
		meaning: "The broker takes no more records for now (memory or disk limit).",
		remedy: "Let retention or an operator make room; sending resumes then.",
	},
	BUFFER_FULL: {
		retryable: true,
		meaning: "The producer's buffer is full and it was asked to fail instead of waiting.",
		remedy: "Send slower, raise `maxBufferedBytes`, or let `send` wait.",
	},
	TOPIC_NOT_FOUND: {
		retryable: false,
		meaning: "The topic, or that partition of it, does not exist.",
		remedy: "Create it with `broker.topics.ensure`, or check the name.",
	},
	TOPIC_EXISTS: {
		retryable: false,
		meaning: "The topic exists, with another shape than asked for.",
		remedy: "Use `broker.topics.ensure`, or grow it with `broker.topics.grow`.",
	},
	OFFSET_OUT_OF_RANGE: {
		retryable: false,
		meaning:
			"The position asked for is not in the log: truncated by retention, beyond the end, or of a topic that was deleted and made again.",
		remedy: "Decide what to do with the lost range: seek, `reset`, or set `onOutOfRange`.",
	},
	MESSAGE_TOO_LARGE: {
		retryable: false,
		meaning: "The record is larger than the limit.",
		remedy: "Send less, or raise `maxRecordBytes` here and on the broker.",
	},
	CODEC_FAILED: {
		retryable: false,
		meaning: "A value could not be encoded, decoded, or did not fit its schema.",
		remedy: "Correct the sender or the schema; the failure policy decides about the record.",
	},
	HANDLER_FAILED: {
		retryable: false,
		meaning: "The handler threw, and the retries are used up.",
		remedy: "See `cause`; the failure policy decided about the record.",
	},
	HANDLER_TIMEOUT: {
		retryable: true,
		meaning: "The handler ran past `maxHandlerMs` and lost its partition.",
		remedy: "Make it faster, let it watch `context.signal`, or raise `maxHandlerMs`.",
	},
	FENCED: {
		retryable: false,
		meaning: "The partition has moved on to another owner, or another incarnation of this member.",
		remedy: "Drop the work: its new owner repeats it.",
	},
	MEMBER_REPLACED: {
		retryable: false,
		meaning: "Another member joined with the same `instanceId`.",
		remedy: "Give each running process an `instanceId` of its own.",
	},
	GROUP_ACTIVE: {
		retryable: true,
		meaning: "The group has members, and the operation needs it to be idle.",
		remedy: "Stop the members, or pass `force` where it exists.",
	},
	GROUP_NOT_FOUND: { retryable: false, meaning: "No such group exists.", remedy: "Check the name with `broker.consumerGroups()`." },
	JOURNAL_UNUSABLE: {
		retryable: false,
		meaning: "The group's journal cannot be read from its retained part: no usable snapshot.",
		remedy: "Restore it, or delete the group and start it with an explicit `from`.",
	},
	CLOSED: { retryable: false, meaning: "The object was closed.", remedy: "Use a new one." },
	ABORTED: { retryable: false, meaning: "The caller's signal aborted the operation.", remedy: "None needed." },
	UNKNOWN: { retryable: false, meaning: "An error that no adapter classified.", remedy: "See `cause`; please report it." },
} as const satisfies Record<string, CodeInfo>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** What an error was about. Every field is safe to print: keys and offsets, never values or credentials. */
export interface ErrorContext {
	readonly topic?: string;
	readonly partition?: number;
	readonly offset?: bigint;
	readonly key?: string;
	readonly attempt?: number;
	readonly group?: string;
	readonly member?: string;
	/** Of a message that was sent: whether it may be in the log all the same (a receipt's `unknown`). */
	readonly mayBeStored?: boolean;
	/** OFFSET_OUT_OF_RANGE: the offset asked for, the first retained one, and the end. */
	readonly requested?: bigint;
	readonly earliest?: bigint;
	readonly end?: bigint;
}

export interface PolylogErrorOptions extends ErrorContext {
	readonly cause?: unknown;
	/** Overrides the code's own. */
	readonly retryable?: boolean;
}

const BRAND = Symbol.for("@polylog/error");

/** Every error this library raises but misuse, which is a `TypeError` or `RangeError`. Branch on `code`. */
export class PolylogError extends Error {
	readonly code: ErrorCode;
	readonly retryable: boolean;
	readonly context: ErrorContext;
	readonly [BRAND] = true;

	constructor(code: ErrorCode, message: string, options: PolylogErrorOptions = {}) {
		const { cause, retryable, ...context } = options;
		super(message, cause === undefined ? undefined : { cause });
		this.name = "PolylogError";
		this.code = code;
		this.retryable = retryable ?? ERROR_CODES[code].retryable;
		this.context = context;
	}
}

/** Whether `error` is a PolylogError (of any copy of this package), and of `code` if one is given. */
export function isPolylogError(error: unknown, code?: ErrorCode): error is PolylogError {
	if (typeof error !== "object" || error === null || !(BRAND in error)) return false;
	return code === undefined || (error as PolylogError).code === code;
}
