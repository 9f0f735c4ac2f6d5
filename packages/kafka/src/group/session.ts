// A member's session in a Kafka group: joins, keeps itself alive, tells the listener what it owns, commits.
//
// Heartbeats, commits and offset look-ups go over a connection that joins never hold up; so a member lives on, and commits,
// while it or another one takes its time to give partitions up. Kafka checks a commit's member and generation, and nothing
// about its partition: that this member holds the partition, under this fence, is checked here.
import {
	type Commit,
	type GroupSession,
	type JoinRequest,
	type Partition,
	partitionKey,
	PolylogError,
	type SessionListener,
	sleep,
} from "@polylog/core/driver";
import { classify } from "../errors.ts";
import { heartbeatRequest, leaveGroupRequest, type Membership } from "../wire/api/membership.ts";
import { ERROR, KafkaError } from "../wire/error-codes.ts";
import type { Lane } from "../wire/network.ts";
import { CommitQueue } from "./commit-queue.ts";
import { Committing } from "./committing.ts";
import type { GroupContext } from "./context.ts";
import { CoordinatorLink } from "./coordinator-link.ts";
import { grantsFor, type GrantingParts } from "./granting.ts";
import { Heart } from "./heart.ts";
import { fenced, type Holding, newHolding } from "./holding.ts";
import { joinRound, partitionCounts, type Round, RoundBroken, type RoundParts } from "./joining.ts";
import { Standing } from "./standing.ts";

/** A rebalance is noticed by a heartbeat, so this bounds how long a hand-over waits for it. */
const HEARTBEAT_MS = 500;
const RETRY_MS = 50;
const RETRY_MAX_MS = 1000;
const LEAVE_MS = 5000;
/** Of the time Kafka gives for a rebalance: what giving up partitions may take, so that joining again is in time. */
const REVOKE_SHARE = 0.8;
/** Only the leader plans; the others look for added partitions less often, in case it does not. */
const FOLLOWER_AGES = 4;

let lanes = 0;

export class KafkaSession implements GroupSession {
	readonly #context: GroupContext;
	readonly #request: JoinRequest;
	readonly #listener: SessionListener;
	readonly #link: CoordinatorLink;
	readonly #lane: Lane = `join-${++lanes}`;
	readonly #heart: Heart;
	readonly #commits: CommitQueue;
	readonly #granting: GrantingParts;
	readonly #standing: Standing;
	readonly #end = new AbortController();
	readonly #started = Promise.withResolvers<void>();
	readonly #holdings = new Map<string, Holding>();
	/** Given up while their handler still runs here: not to be had back before that ends. */
	readonly #stuck = new Map<string, Partition>();
	#leads = false;
	#counts: ReadonlyMap<string, number>;
	#joinAgain = false;
	#wake = Promise.withResolvers<void>();
	#closing = false;
	#everStarted = false;

	constructor(context: GroupContext, request: JoinRequest, listener: SessionListener, counts: ReadonlyMap<string, number>) {
		this.#context = context;
		this.#request = request;
		this.#listener = listener;
		this.#counts = counts;
		this.#link = new CoordinatorLink(context.network, request.group);
		this.#standing = new Standing(request, context.clock);
		this.#started.promise.catch(() => {});
		this.#heart = new Heart({
			clock: context.clock,
			sessionTimeoutMs: request.sessionTimeoutMs,
			intervalMs: Math.min(request.heartbeatMs, HEARTBEAT_MS),
			membership: () => (this.#standing.membership.generation < 0 || this.#ended ? undefined : this.#standing.membership),
			beat: (membership) => this.#beat(membership),
			expired: () => this.#lose("no heartbeat was answered within the session timeout"),
		});
		const commits = new Committing({
			context,
			link: this.#link,
			standing: this.#standing,
			signal: this.#end.signal,
			rejoin: () => this.#again(),
			expelled: (errorCode) => this.#expelled(errorCode),
		});
		this.#commits = new CommitQueue(commits);
		this.#granting = { context, request, link: this.#link, commits, signal: this.#end.signal };
		context.ended.addEventListener("abort", this.#onDriverEnd, { once: true });
	}

	/** Resolves with the first membership. */
	async start(signal?: AbortSignal): Promise<void> {
		const stop = () => {
			this.#started.reject(signal?.reason);
			void this.leave({ drained: true });
		};
		if (signal?.aborted) stop();
		signal?.addEventListener("abort", stop, { once: true });
		void this.#run();
		try {
			await this.#started.promise;
		} finally {
			signal?.removeEventListener("abort", stop);
		}
	}

	get memberId(): string {
		return this.#standing.membership.memberId;
	}

	mayDispatch(partition: Partition, fence: bigint): boolean {
		const holding = this.#holdings.get(partitionKey(partition));
		return holding?.fence === fence && holding.phase === "active" && !this.#closing && this.#heart.alive;
	}

	async commit(commit: Commit): Promise<void> {
		if (this.#ended) throw this.#closed();
		const holding = this.#holdings.get(partitionKey(commit.partition));
		if (!holding || holding.fence !== commit.fence || holding.phase === "preparing") throw fenced(commit);
		await this.#commits.add(holding, commit);
	}

	abandon(partition: Partition, fence: bigint): void {
		const key = partitionKey(partition);
		this.#stuck.set(key, partition);
		const holding = this.#holdings.get(key);
		if (holding?.fence === fence) this.#drop(holding);
		this.#again();
	}

	returned(partition: Partition): void {
		if (this.#stuck.delete(partitionKey(partition))) this.#again();
	}

	async leave({ drained, signal }: { readonly drained: boolean; readonly signal?: AbortSignal }): Promise<void> {
		if (this.#closing || this.#ended) return;
		this.#closing = true;
		try {
			if (drained && this.#request.instanceId === undefined && this.memberId !== "" && !signal?.aborted) {
				const { clock } = this.#context;
				const deadline = AbortSignal.any([this.#end.signal, ...(signal ? [signal] : [])]);
				const limit = sleep(clock, LEAVE_MS, deadline).catch(() => {});
				await Promise.race([this.#commits.idle(), limit]);
				await Promise.race([
					this.#link.send("group", leaveGroupRequest(this.#standing.membership), { signal: deadline, timeoutMs: LEAVE_MS }),
					limit,
				]);
			}
		} catch {
			// The others notice by the session timeout.
		} finally {
			this.destroy();
		}
	}

	destroy(): void {
		if (this.#ended) return;
		this.#context.ended.removeEventListener("abort", this.#onDriverEnd);
		this.#end.abort(this.#closed());
		this.#heart.stop();
		this.#commits.end(this.#closed());
		for (const holding of this.#holdings.values()) holding.phase = "gone";
		this.#holdings.clear();
		this.#started.reject(this.#closed());
		this.#wake.resolve();
		this.#context.network.closeLane(this.#lane);
	}

	readonly #onDriverEnd = () => this.destroy();

	get #ended(): boolean {
		return this.#end.signal.aborted;
	}

	#closed(): PolylogError {
		return new PolylogError("CLOSED", `the session of group "${this.#request.group}" was closed`, { group: this.#request.group });
	}

	async #run(): Promise<void> {
		for (let delayMs = RETRY_MS; !this.#ended && !this.#closing;) {
			try {
				await this.#join();
				delayMs = RETRY_MS;
				this.#everStarted = true;
				this.#started.resolve();
				await this.#stand();
			} catch (error) {
				if (this.#ended || this.#closing) return;
				if (error instanceof RoundBroken) {
					this.#broken(error);
					if (error.errorCode !== ERROR.rebalanceInProgress) continue;
				} else if (isFinal(error)) return this.#fail(error);
				await sleep(this.#context.clock, delayMs, this.#end.signal).catch(() => {});
				delayMs = Math.min(delayMs * 2, RETRY_MAX_MS);
			}
		}
	}

	async #join(): Promise<void> {
		const { settings, clock } = this.#context;
		this.#joinAgain = false;
		if (settings.rebalance === "eager") await this.#revoke([...this.#holdings.values()].filter(({ phase }) => phase === "active"));
		if (this.#ended || this.#closing) return;
		this.#standing.joining = true;
		let sentAt = clock.now();
		try {
			const parts: RoundParts = {
				context: this.#context,
				request: this.#request,
				link: this.#link,
				lane: this.#lane,
				signal: this.#end.signal,
				onJoined: ({ memberId, generation }) => {
					this.#standing.joined(memberId, generation);
					sentAt = clock.now();
				},
				onCounts: (counts) => (this.#counts = counts),
			};
			const round = await joinRound(parts, this.#standing.membership, {
				topics: this.#request.topics,
				owned: [...this.#holdings.values()].map(({ partition }) => partition),
				generation: this.#standing.membership.generation,
				since: this.#standing.since,
				excluded: [...this.#stuck.values()],
			});
			this.#heart.confirm(sentAt);
			this.#leads = round.leads;
			this.#adopt(round);
		} finally {
			this.#standing.settled();
			this.#wake.resolve();
		}
	}

	/** Makes what is held follow the assignment. */
	#adopt({ assigned }: Round): void {
		const target = new Map(assigned.map((partition) => [partitionKey(partition), partition]));
		const revoked = [...this.#holdings.values()].filter(({ key, phase }) => !target.has(key) && phase !== "revoking");
		const added = [...target]
			.filter(([key]) => !this.#holdings.has(key) && !this.#stuck.has(key))
			.map(([, partition]) => newHolding(partition));
		for (const holding of added) this.#holdings.set(holding.key, holding);
		if (revoked.length > 0) void this.#revoke(revoked).then(() => this.#again());
		if (added.length > 0) void this.#grant(added, this.#standing.membership.generation);
	}

	/** Looks up where the group stands, and hands the partitions over. */
	async #grant(holdings: readonly Holding[], generation: number): Promise<void> {
		for (let delayMs = RETRY_MS; !this.#ended; delayMs = Math.min(delayMs * 2, RETRY_MAX_MS)) {
			try {
				const wanted = holdings.filter(({ phase }) => phase === "preparing");
				if (wanted.length === 0) return;
				const grants = await grantsFor(
					this.#granting,
					wanted.map(({ partition }) => partition),
					generation,
				);
				if (this.#closing) return;
				const taken = wanted.flatMap((holding, i) => {
					const grant = grants[i];
					if (holding.phase !== "preparing" || !grant) return [];
					holding.fence = grant.fence;
					holding.phase = "active";
					return [grant];
				});
				if (taken.length > 0) this.#listener.assigned(taken);
				return;
			} catch (error) {
				if (this.#ended) return;
				if (isFinal(error)) return this.#fail(error);
				await sleep(this.#context.clock, delayMs, this.#end.signal).catch(() => {});
			}
		}
	}

	/** Has the listener give them up, within the time a rebalance allows; then they are free. */
	async #revoke(holdings: readonly Holding[]): Promise<void> {
		const { clock, settings } = this.#context;
		for (const holding of holdings.filter(({ phase }) => phase === "preparing")) this.#drop(holding);
		const held = holdings.filter(({ phase }) => phase === "active");
		if (held.length === 0) return;
		for (const holding of held) holding.phase = "revoking";
		const over = new AbortController();
		const late = sleep(clock, settings.rebalanceTimeoutMs * REVOKE_SHARE, AbortSignal.any([over.signal, this.#end.signal])).then(
			() => true,
			() => false,
		);
		const given = this.#listener.revoked(held.map(({ partition }) => partition)).then(
			() => false,
			() => false,
		);
		const tooLate = await Promise.race([given, late]);
		over.abort();
		const left = held.filter(({ phase }) => phase === "revoking");
		for (const holding of left) this.#drop(holding);
		if (tooLate && left.length > 0)
			this.#listener.lost(
				left.map(({ partition }) => partition),
				"giving it up took longer than the group's rebalance timeout",
			);
	}

	/** Waits for a reason to join again. */
	async #stand(): Promise<void> {
		const { clock, settings } = this.#context;
		let lookAt = clock.now() + settings.metadataMaxAgeMs * (this.#leads ? 1 : FOLLOWER_AGES);
		while (!this.#ended && !this.#joinAgain && !this.#closing) {
			this.#wake = Promise.withResolvers();
			const rest = new AbortController();
			const timer = sleep(clock, Math.max(1, lookAt - clock.now()), rest.signal).catch(() => {});
			await Promise.race([this.#wake.promise, timer]);
			rest.abort();
			if (clock.now() < lookAt || this.#ended || this.#joinAgain || this.#closing) continue;
			lookAt = clock.now() + settings.metadataMaxAgeMs * (this.#leads ? 1 : FOLLOWER_AGES);
			if (await this.#hasGrown()) this.#again();
		}
	}

	/** Whether a topic has other partitions than the plan knew. */
	async #hasGrown(): Promise<boolean> {
		try {
			const now = await partitionCounts(this.#context, this.#request.topics, this.#end.signal);
			const changed = this.#request.topics.some((topic) => now.get(topic) !== this.#counts.get(topic));
			if (changed) this.#counts = now;
			return changed;
		} catch {
			return false;
		}
	}

	async #beat(membership: Membership): Promise<boolean> {
		let errorCode: number;
		try {
			errorCode = await this.#link.send("group", heartbeatRequest(membership), {
				signal: this.#end.signal,
				timeoutMs: this.#request.sessionTimeoutMs,
			});
		} catch {
			return false;
		}
		// The answer to a membership that is no more.
		if (!this.#standing.isCurrent(membership) || this.#ended) return false;
		if (errorCode === ERROR.none) return true;
		if (errorCode === ERROR.rebalanceInProgress) {
			if (!this.#standing.joining) this.#again();
			return true;
		}
		this.#expelled(errorCode);
		return false;
	}

	/** What an answer says about the membership itself. */
	#expelled(errorCode: number): void {
		if (this.#link.moved(errorCode)) return;
		if (errorCode === ERROR.unknownMemberId) {
			this.#standing.expelled({ id: true });
			this.#lose("the member was expired: the coordinator heard nothing from it for its session timeout");
		} else if (errorCode === ERROR.illegalGeneration && !this.#standing.joining) {
			this.#standing.expelled({ id: false });
			this.#lose("the group went on without this member");
		} else if (errorCode === ERROR.fencedInstanceId) {
			this.#fail(this.#replaced());
		}
	}

	#broken({ errorCode, memberId }: RoundBroken): void {
		if (errorCode === ERROR.memberIdRequired) this.#standing.named(memberId ?? "");
		else if (errorCode === ERROR.unknownMemberId) this.#expelled(errorCode);
		else if (errorCode === ERROR.illegalGeneration) {
			this.#standing.expelled({ id: false });
			this.#lose("the group went on without this member");
		}
	}

	#drop(holding: Holding): void {
		holding.phase = "gone";
		if (this.#holdings.get(holding.key) === holding) this.#holdings.delete(holding.key);
		this.#commits.drop(holding);
	}

	/** All that was held is somebody else's, or may be. */
	#lose(reason: string): void {
		this.#heart.forget();
		const told = [...this.#holdings.values()].filter(({ phase }) => phase === "active" || phase === "revoking");
		for (const holding of this.#holdings.values()) this.#drop(holding);
		if (told.length > 0)
			this.#listener.lost(
				told.map(({ partition }) => partition),
				reason,
			);
		this.#again();
	}

	#again(): void {
		this.#joinAgain = true;
		this.#wake.resolve();
	}

	#replaced(): PolylogError {
		const { group, instanceId } = this.#request;
		return new PolylogError("MEMBER_REPLACED", `another member joined group "${group}" with the instanceId "${instanceId}"`, { group });
	}

	#fail(error: unknown): void {
		if (this.#ended) return;
		const told = error instanceof KafkaError && error.errorCode === ERROR.fencedInstanceId ? this.#replaced() : error;
		this.#started.reject(told);
		if (this.#everStarted) this.#listener.fatal(told);
		this.destroy();
	}
}

/** Waiting does not cure it. An unknown error may well pass. */
function isFinal(error: unknown): boolean {
	const { code } = classify(error);
	return ["UNAUTHORIZED", "CONFIG_INVALID", "UNSUPPORTED", "MEMBER_REPLACED", "CLOSED", "ADAPTER_MISSING"].includes(code);
}
