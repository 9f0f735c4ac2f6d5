// What a process of the suite is told to do: on its standard input, one line of JSON each.
import type { BrokerConfig } from "@polylog/core";

/** What the suite sends: an id that is unique in its case. */
export interface Item {
	readonly id: string;
	readonly pad?: string;
}

interface CommonTask {
	readonly name: string;
	readonly config: BrokerConfig;
	/** Added to what the process takes for the time of day. */
	readonly wallOffsetMs?: number;
}

export interface MemberTask extends CommonTask {
	readonly role: "member";
	readonly group: string;
	readonly topics: readonly string[];
	/** Default "earliest". */
	readonly from?: "earliest" | "latest";
	readonly onOutOfRange?: "fail" | "earliest" | "latest";
	readonly sessionTimeoutMs: number;
	readonly instanceId?: string;
	readonly maxHandlerMs?: number;
	/** Default 200. */
	readonly commitIntervalMs?: number;
	/** "each": a commit at the end of every handler; "manual": only by command. Default "auto". */
	readonly commit?: "auto" | "each" | "manual";
	/** How long each handler takes. Default 0. */
	readonly handlerMs?: number;
	/** Messages whose handler always throws. */
	readonly poison?: readonly string[];
	/** Messages whose handler never ends. */
	readonly hang?: readonly string[];
	/** Without it the partition stops. */
	readonly deadLetter?: string;
	readonly retries?: number;
	/** So many members, each with a connection of its own, named NAME.0, NAME.1 … Default: one, named NAME. */
	readonly crowd?: number;
	/** Leaves after so long, joins again after as long, and so on until it is told to stop. Default: stays. */
	readonly churnMs?: number;
}

export interface ProducerTask extends CommonTask {
	readonly role: "producer";
	readonly topic: string;
	/** Messages per second. Default 100. */
	readonly rate?: number;
	/** Ends by itself after so many; default: when told to stop. */
	readonly count?: number;
	/** Default: keys spread over all partitions. */
	readonly partition?: number;
	/** Bytes of padding of each. */
	readonly padBytes?: number;
	/** Default 60 s. */
	readonly deliveryTimeoutMs?: number;
	readonly maxBufferedBytes?: number;
	readonly onFull?: "wait" | "fail";
}

export type Task = MemberTask | ProducerTask;

export type Command =
	/** The next handler holds the event loop for so long. */
	| { readonly do: "block"; readonly ms: number }
	/** The next message's handler takes so long. */
	| { readonly do: "linger"; readonly ms: number }
	/** Keeps the next message, to be committed later. */
	| { readonly do: "hold" }
	/** Commits the message held. */
	| { readonly do: "commit-held" }
	| { readonly do: "seek"; readonly to: "earliest" | "latest"; readonly partition?: number }
	| { readonly do: "pause" }
	| { readonly do: "resume" }
	/** A producer sends no more, and says so when everything is settled. */
	| { readonly do: "stop" }
	/** Closes in good order within so long, and ends. */
	| { readonly do: "close"; readonly deadlineMs?: number };
