// Before anything is appended on a connection: what this member relies on still exists there. Between two connections the
// broker may have failed over and lost its tail, and offsets of lost records are used again for others; a commit made
// before must not cover those.
import type { JournalLog, RecordProof } from "../driver/journal-log.ts";
import type { Incarnation } from "./incarnation.ts";
import type { Outgoing } from "./outbox.ts";

/** Whether all of it is intact. On a new connection that is the place in the journal and the last processed record of
 *  every held partition; later, the records of commits on partitions that were granted before that connection. */
export async function proveHeld(
	log: JournalLog,
	incarnation: Incarnation,
	outgoing: Outgoing,
	connection: number,
	proveCursor: () => Promise<void>,
	signal: AbortSignal,
): Promise<boolean> {
	const anew = incarnation.provenOn !== connection;
	if (anew) await proveCursor();
	const proofs = [...(anew ? lastProcessed(incarnation) : []), ...committed(outgoing, connection)];
	if (proofs.length > 0 && !(await log.prove(proofs, connection, signal))) return false;
	incarnation.provenOn = connection;
	return true;
}

function* lastProcessed(incarnation: Incarnation): Iterable<RecordProof> {
	for (const { partition, last } of incarnation.holdings.values()) if (last) yield { partition, ...last };
}

function* committed(outgoing: Outgoing, connection: number): Iterable<RecordProof> {
	for (const { holding, item } of outgoing.commits) {
		if (item.last && holding.connection !== connection) yield { partition: holding.partition, ...item.last };
	}
}
