// A member's session in a Kafka group: joins, keeps itself alive, tells the listener what it owns, commits.
//
// Heartbeats and commits go over connections of their own, which joins never hold up; so a member lives on, and commits,
// while it or another one takes its time to give partitions up, and lives on while a commit waits for replicas. Kafka checks a commit's member and generation, and nothing
// about its partition: that this member holds the partition, under this fence, is checked here.
import {
	type Commit,
	type GroupSession,
	type JoinRequest,
	type Partition,
	PolylogError,
	type SessionListener,
	sleep,
} from "@polylog/core/driver";
import { heartbeatRequest, leaveGroupRequest, type Membership } from "../wire/api/membership.ts";
import { ERROR, KafkaError } from "../wire/error-codes.ts";
import type { Lane } from "../wire/network.ts";
import { CommitQueue } from "./commit-queue.ts";
import { Committing } from "./committing.ts";
import type { GroupContext } from "./context.ts";
import { CoordinatorLink } from "./coordinator-link.ts";
import { isFinal } from "./final.ts";
import { Growth } from "./growth.ts";
import { Heart } from "./heart.ts";
import { fenced } from "./holding.ts";
import { joinRound, RoundBroken, type RoundParts } from "./joining.ts";
import { Ownership } from "./ownership.ts";
import { Standing } from "./standing.ts";

/** A rebalance is noticed by a heartbeat, so this bounds how long a hand-over waits for it. */
const HEARTBEAT_MS = 500;
const RETRY_MS = 50;
const RETRY_MAX_MS = 1000;
const LEAVE_MS = 5000;

let lanes = 0;

export class KafkaSession implements GroupSession {
	readonly #context: GroupContext;
	readonly #request: JoinRequest;
	readonly #listener: SessionListener;
	readonly #link: CoordinatorLink;
	readonly #lane: Lane = `join-${++lanes}`;
	readonly #heart: Heart;
	readonly #commits: CommitQueue;
	readonly #ownership: Ownership;
	readonly #growth: Growth;
	readonly #standing: Standing;
	readonly #end = new AbortController();
	readonly #started = Promise.withResolvers<void>();
	#leads = false;
	#joinAgain = false;
	#wake = Promise.withResolvers<void>();
	#closing = false;
	#everStarted = false;

	constructor(context: GroupContext, request: JoinRequest, listener: SessionListener, counts: ReadonlyMap<string, number>) {
		this.#context = context;
		this.#request = request;
		this.#listener = listener;
		this.#growth = new Growth(context, request.topics, counts, this.#end.signal);
		this.#link = new CoordinatorLink(context, request.group);
		this.#standing = new Standing(request, context.clock);
		this.#started.promise.catch(() => {});
		this.#heart = new Heart({
			clock: context.clock,
			sessionTimeoutMs: request.sessionTimeoutMs,
			intervalMs: Math.min(request.heartbeatMs, HEARTBEAT_MS),
			membership: () => (this.#standing.membership.generation < 0 || this.#ended ? undefined : this.#standing.membership),
			beat: (membership) => this.#beat(membership),
			vouch: () => this.#link.vouched(),
			expired: () => {
				this.#link.doubt();
				this.#lose("no heartbeat, or no commit, was answered within the session timeout");
			},
		});
		const commits = new Committing({
			context,
			link: this.#link,
			standing: this.#standing,
			signal: this.#end.signal,
			heart: this.#heart,
			rejoin: () => this.#again(),
			expelled: (errorCode) => this.#expelled(errorCode),
		});
		this.#commits = new CommitQueue(commits);
		this.#ownership = new Ownership({
			granting: { context, request, link: this.#link, commits, signal: this.#end.signal },
			listener,
			commits: this.#commits,
			closing: () => this.#closing,
			rejoin: () => this.#again(),
			failed: (error) => this.#fail(error),
		});
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
		return this.#ownership.of(partition, fence)?.phase === "active" && !this.#closing && this.#heart.alive;
	}

	async commit(commit: Commit): Promise<void> {
		if (this.#ended) throw this.#closed();
		const holding = this.#ownership.of(commit.partition, commit.fence);
		if (!holding || holding.phase === "preparing") throw fenced(commit);
		await this.#commits.add(holding, commit);
	}

	abandon(partition: Partition, fence: bigint): void {
		this.#ownership.abandon(partition, fence);
	}

	returned(partition: Partition): void {
		this.#ownership.returned(partition);
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
		this.#ownership.end();
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
		if (settings.rebalance === "eager") await this.#ownership.revokeAll();
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
				onCounts: (counts) => this.#growth.planned(counts),
			};
			const round = await joinRound(parts, this.#standing.membership, {
				topics: this.#request.topics,
				owned: this.#ownership.owned,
				generation: this.#standing.membership.generation,
				since: this.#standing.since,
				excluded: this.#ownership.stuck,
			});
			this.#heart.confirm(sentAt);
			this.#leads = round.leads;
			this.#ownership.adopt(round.assigned, this.#standing.membership.generation);
		} finally {
			this.#standing.settled();
			this.#wake.resolve();
		}
	}

	/** Waits for a reason to join again. */
	async #stand(): Promise<void> {
		const { clock } = this.#context;
		const idle = () => !this.#ended && !this.#joinAgain && !this.#closing;
		this.#growth.wait({ leads: this.#leads });
		while (idle()) {
			this.#wake = Promise.withResolvers();
			const rest = new AbortController();
			const timer = sleep(clock, Math.max(1, this.#growth.lookAt - clock.now()), rest.signal).catch(() => {});
			await Promise.race([this.#wake.promise, timer]);
			rest.abort();
			if (clock.now() < this.#growth.lookAt || !idle()) continue;
			this.#growth.wait({ leads: this.#leads });
			if (await this.#growth.hasGrown()) this.#again();
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

	/** All that was held is somebody else's, or may be. */
	#lose(reason: string): void {
		this.#heart.forget();
		this.#ownership.lose(reason);
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
