// Judges every dispatch: by whom, of what, next to whom; and keeps what was handled.
import type { Message } from "@polylog/core";
import type { Running } from "@polylog/testing/world";
import type { JournalOracle } from "./journal-oracle.ts";
import type { EndKind, OwnershipRecord } from "./ownership-history.ts";
import type { Verdicts } from "./verdicts.ts";

/** After these the former owner may go on until it reads of them. */
const UNTIL_READ: readonly EndKind[] = ["replaced", "regranted", "gap", "cut"];
/** After these nothing of the former owner runs any more, and everything it handled is committed. */
const CLEAN: readonly EndKind[] = ["released", "left"];

/** In place of a fence: handled, and to be handled again. */
const ASKED_AGAIN = -1n;

interface RunningHandler {
	readonly running: Running;
	readonly fence: bigint;
	/** How often its owner had been sent elsewhere when it began. */
	readonly moves: number;
	/** What may be handled beside other keys; `undefined` for what may not. */
	readonly key: string | undefined;
}

/** What one call of a handler is given. */
export interface Work {
	readonly running: Running;
	readonly partition: string;
	/** One message, or a batch. */
	readonly messages: readonly Message<unknown>[];
	readonly sideBySide: boolean;
	/** If it fails it goes back to the front, and is the next one. */
	readonly putsBack: boolean;
}

export interface DeliveryRules {
	readonly order: "partition" | "key";
	/** The data log may lose its tail: positions may start over. */
	readonly losses: boolean;
	readonly longestSessionMs: number;
	/** Whether the record that stands there now was handled there before it was lost. */
	readonly standsAgain: (partition: string, offset: bigint) => boolean;
	readonly now: () => number;
}

export class DeliveryOracle {
	readonly #verdicts: Verdicts;
	readonly #journal: JournalOracle;
	readonly #rules: DeliveryRules;
	/** Per partition: the fence under which each offset was handled last. */
	readonly #handled = new Map<string, (bigint | undefined)[]>();
	readonly #handledTo = new Map<string, number>();
	readonly #handlers = new Map<string, Set<RunningHandler>>();
	/** By partition and fence: offsets whose handler failed and has not resolved since. */
	readonly #failed = new Map<string, Set<bigint>>();
	dispatches = 0;
	repeated = 0;

	constructor(verdicts: Verdicts, journal: JournalOracle, rules: DeliveryRules) {
		this.#verdicts = verdicts;
		this.#journal = journal;
		this.#rules = rules;
	}

	/** Everything below is handled. */
	handledTo(partition: string): bigint {
		const handled = this.#handled.get(partition) ?? [];
		let next = this.#handledTo.get(partition) ?? 0;
		while (handled[next] !== undefined || this.#rules.standsAgain(partition, BigInt(next))) next++;
		this.#handledTo.set(partition, next);
		return BigInt(next);
	}

	isHandled(partition: string, offset: bigint): boolean {
		return this.#handled.get(partition)?.[Number(offset)] !== undefined;
	}

	/** A handler begins; call the result when it returns, with whether it resolved. */
	begin({ running, partition, messages, sideBySide, putsBack }: Work): (resolved: boolean) => void {
		const { fence, attempt, key, offset: first } = messages[0] as Message<unknown>;
		this.dispatches += messages.length;
		const grant = this.#journal.history.find(partition, fence);
		this.#judgeOwner(running, partition, fence, grant);
		if (attempt === 1) {
			for (const { offset } of messages) {
				if (grant) this.#judgeOrder(running, partition, offset, grant);
				this.#judgeRepeat(partition, offset, fence);
			}
		}
		const moves = grant?.moves ?? 0;
		const handler: RunningHandler = { running, fence, moves, key: sideBySide ? key : undefined };
		this.#judgeOverlap(partition, handler);
		const handlers = this.#handlers.get(partition) ?? new Set();
		this.#handlers.set(partition, handlers.add(handler));
		return (resolved) => {
			handlers.delete(handler);
			const stale = moves !== (grant?.moves ?? 0);
			if (!resolved && putsBack && grant && !stale) grant.next = first;
			for (const { offset } of messages) this.#settle(partition, fence, offset, resolved, stale);
		};
	}

	#settle(partition: string, fence: bigint, offset: bigint, resolved: boolean, stale: boolean): void {
		const name = `${partition} ${fence}`;
		const failed = this.#failed.get(name) ?? new Set();
		this.#failed.set(name, failed);
		if (!resolved) return void failed.add(offset);
		failed.delete(offset);
		this.#done(partition, Number(offset), stale ? ASKED_AGAIN : fence);
	}

	/** The owner under `fence` was sent to `offset`: nothing else comes next, and what is handled twice from there on is asked for. */
	sought(partition: string, fence: bigint, offset: bigint): void {
		const grant = this.#journal.history.find(partition, fence);
		if (!grant) return;
		grant.next = offset;
		grant.moves++;
		this.reset(partition, offset);
	}

	/** The group starts at `offset` by its own choice: what lies before it is nobody's to handle. */
	startsAt(partition: string, offset: bigint): void {
		this.#handledTo.set(partition, Math.max(this.#handledTo.get(partition) ?? 0, Number(offset)));
	}

	/** The group starts again from `offset`: what is handled twice from there on is asked for. */
	reset(partition: string, offset: bigint): void {
		this.#eachFrom(partition, Number(offset), (handled, i) => (handled[i] = ASKED_AGAIN));
	}

	/** Records from `offset` on are gone: others will stand there. */
	recordsLost(partition: string, offset: bigint): void {
		const handled = this.#handled.get(partition);
		if (handled) handled.length = Math.min(handled.length, Number(offset));
		this.#handledTo.set(partition, Math.min(this.#handledTo.get(partition) ?? 0, Number(offset)));
	}

	#eachFrom(partition: string, from: number, act: (handled: (bigint | undefined)[], i: number) => void): void {
		const handled = this.#handled.get(partition) ?? [];
		for (let i = from; i < handled.length; i++) if (handled[i] !== undefined) act(handled, i);
	}

	#judgeOwner(running: Running, partition: string, fence: bigint, grant: OwnershipRecord | undefined): void {
		const { now, longestSessionMs } = this.#rules;
		if (!grant)
			return this.#verdicts.report("unknown-fence", `${running.name} handles ${partition} under ${fence}, which was never granted`);
		const client = this.#journal.clients.get(grant.member);
		if (client !== running.name)
			this.#verdicts.report("foreign-fence", `${running.name} handles ${partition} under ${fence}, which is ${client}'s`);
		if (grant.ended === undefined) return;
		const agoMs = now() - grant.endedAtMs;
		if (UNTIL_READ.includes(grant.ended) && agoMs <= longestSessionMs) return;
		this.#verdicts.report(
			`dispatch-after-${grant.ended}`,
			`${running.name} starts on ${partition} ${agoMs.toFixed(0)} ms after its ownership ended (${grant.ended})`,
		);
	}

	#judgeOrder(running: Running, partition: string, offset: bigint, grant: OwnershipRecord): void {
		if (grant.next === undefined) {
			const text = `${running.name} handles ${partition}@${offset}, before where it starts was committed`;
			this.#verdicts.report("start-not-committed", text);
		}
		const next = grant.next ?? 0n;
		const startsOver = this.#rules.losses && offset === 0n;
		if (offset < next && this.#rules.order === "partition" && !startsOver)
			this.#verdicts.report("order", `${running.name} handles ${partition}@${offset} under ${grant.fence}, after ${next - 1n}`);
		if (offset > next && !startsOver && this.#rules.order === "partition")
			this.#verdicts.report("skip", `${running.name} handles ${partition}@${offset} under ${grant.fence}; ${next} was next`);
		grant.next = startsOver || offset >= next ? offset + 1n : next;
	}

	#judgeRepeat(partition: string, offset: bigint, fence: bigint): void {
		const before = this.#handled.get(partition)?.[Number(offset)];
		if (before === undefined || before === ASKED_AGAIN) return;
		this.repeated++;
		if (this.#rules.losses) return;
		if (before === fence) return this.#verdicts.report("repeated-by-owner", `${partition}@${offset} is handled twice under ${fence}`);
		// By key, what was handled behind a message that failed and was let go lies beyond any commit.
		for (const failed of this.#failed.get(`${partition} ${before}`) ?? []) if (failed < offset) return;
		const ended = this.#journal.history.find(partition, before)?.ended;
		if (ended !== undefined && CLEAN.includes(ended))
			this.#verdicts.report("repeated-after-clean", `${partition}@${offset} is handled again, although its owner gave it up in good order`);
	}

	#judgeOverlap(partition: string, handler: RunningHandler): void {
		for (const other of this.#handlers.get(partition) ?? []) {
			const { state } = other.running.process;
			if (state === "dead") continue;
			const beside = `${handler.running.name} starts on ${partition} while a handler of ${other.running.name} still runs`;
			if (other.running === handler.running) {
				const sameRun = other.fence === handler.fence && other.moves === handler.moves;
				const sideBySide = handler.key !== undefined && sameRun && other.key !== handler.key;
				if (!sideBySide) this.#verdicts.report("overlap-in-process", beside);
				continue;
			}
			const ended = this.#journal.history.find(partition, other.fence)?.ended;
			if (ended !== undefined && CLEAN.includes(ended)) this.#verdicts.report(`overlap-after-${ended}`, beside);
		}
	}

	#done(partition: string, offset: number, fence: bigint): void {
		let handled = this.#handled.get(partition);
		if (!handled) this.#handled.set(partition, (handled = []));
		handled[offset] = fence;
	}
}
