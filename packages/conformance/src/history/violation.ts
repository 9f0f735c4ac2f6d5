// What a history can show to be broken: Jepsen's names where Jepsen has one, and the point of the contract behind each.

/**
 * Jepsen's keys for Kafka first, then ours. `aborted-read` is what is left of Jepsen's G1a without transactions, which
 * this library does not have: the read of a message whose send failed. The keys of torn and precommitted transactions
 * do not apply for the same reason. Jepsen lets polls skip or go back under `subscribe`; here neither may happen
 * within one ownership.
 */
export const BROKEN_PROMISES = {
	"lost-write": "contract points 1 and 7: an acknowledged message was passed over, and nobody was handed it",
	unseen: "contract points 2 and 7: an acknowledged message was never handled",
	duplicate: "contract points 2 and 8: a message is in the log, or was delivered, more often than the bound allows",
	"inconsistent-offsets": "contract point 1: one offset has two values",
	"poll-skip": "contract point 1: within one ownership a record was skipped that others were handed",
	"nonmonotonic-poll": "contract point 1: within one ownership delivery went back, or ran ahead of the message in hand",
	"nonmonotonic-send": "contract point 3: one producer's messages are in the log in another order than they were sent",
	"aborted-read": "contract point 2: a message whose send failed is in the log",
	"double-owner": "contract points 5 and 9: two members had one partition at once",
	"stale-commit-accepted": "contract point 5: a commit was accepted after the partition had moved on",
	"commit-regression": "contract point 6: a committed offset went back without a seek or a reset",
	"commit-beyond-position": "contract point 7: a commit covers a record that was not handled",
	"handler-after-revoke": "contract point 9: a handler started after its partition had been given up",
	"reset-without-policy": "contract point 11: an owner began somewhere else than where the group stood, and nobody had chosen that",
	"ack-lied": "contract point 4: a commit had resolved, and a later reader did not see it",
	"stuck-partition": "contract point 9: messages waited and nothing moved, long after all faults were over",
	"lag-negative": "contract point 12: the lag told was nicer than the truth",
} as const;

export type ViolationKey = keyof typeof BROKEN_PROMISES;

export interface Violation {
	readonly key: ViolationKey;
	/** The point of the contract it breaks, in words. */
	readonly promise: string;
	/** `topic/index@offset`, or the partition where no single record is at fault. */
	readonly record: string;
	readonly detail: string;
}

export type Accuse = (key: ViolationKey, record: string, detail: string) => void;
