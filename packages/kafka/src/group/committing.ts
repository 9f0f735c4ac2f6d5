// How a member's commits travel: under the membership of the moment, and what each refusal means.
import { sleep } from "@polylog/core/driver";
import { classify } from "../errors.ts";
import { type CommitAnswer, type CommitItem, offsetCommitRequest } from "../wire/api/commits.ts";
import { ERROR, KafkaError } from "../wire/error-codes.ts";
import type { CommitPort, Verdict } from "./commit-queue.ts";
import type { GroupContext } from "./context.ts";
import type { Heart } from "./heart.ts";
import type { CoordinatorLink } from "./coordinator-link.ts";
import type { Standing } from "./standing.ts";

const RETRY_MS = 50;

export interface CommittingParts {
	readonly context: GroupContext;
	readonly link: CoordinatorLink;
	readonly standing: Standing;
	readonly signal: AbortSignal;
	/** Is told of commits on their way. */
	readonly heart: Pick<Heart, "doubt" | "trust">;
	/** The group is making a new generation, and this member has to join. */
	readonly rejoin: () => void;
	/** An answer that says something about the membership itself. */
	readonly expelled: (errorCode: number) => void;
}

export class Committing implements CommitPort {
	readonly #parts: CommittingParts;

	constructor(parts: CommittingParts) {
		this.#parts = parts;
	}

	ready(): Promise<void> {
		return this.#parts.standing.mayCommit(this.#parts.signal);
	}

	async send(items: readonly CommitItem[]): Promise<readonly CommitAnswer[]> {
		const { link, standing, signal, rejoin, heart } = this.#parts;
		const { membership } = standing;
		heart.doubt();
		const answers = await link.send("commit", offsetCommitRequest(membership, items), { signal });
		if (answers.some(({ errorCode }) => errorCode === ERROR.none || isOutdated(errorCode))) heart.trust();
		if (answers.some(({ errorCode }) => isOutdated(errorCode)) && standing.isCurrent(membership)) {
			// What is still held in the next generation is committed under that.
			standing.hold(membership.generation);
			if (!standing.joining) rejoin();
		}
		return answers;
	}

	async judge({ topic, index, errorCode }: CommitAnswer): Promise<Verdict> {
		const { context, link, signal, expelled } = this.#parts;
		if (isOutdated(errorCode)) return "again";
		if (link.moved(errorCode)) return await this.#later();
		const error = new KafkaError(errorCode, `committing ${topic}/${index}`);
		if (errorCode === ERROR.unknownMemberId || errorCode === ERROR.fencedInstanceId) {
			expelled(errorCode);
			return { refuse: error };
		}
		if (errorCode === ERROR.unknownTopicOrPartition) {
			// A broker that has just started may not have heard of it yet.
			const exists = await context.layout.ask(topic, signal).catch(() => true);
			return exists ? await this.#later() : { refuse: error };
		}
		if (!["UNAVAILABLE", "TIMEOUT", "CONNECTION_LOST", "BACKPRESSURE"].includes(classify(error).code)) return { refuse: error };
		// It could not write: it may be cut off from the other brokers, and these have another coordinator.
		link.doubt();
		return await this.#later();
	}

	async pause(): Promise<void> {
		await this.#later();
	}

	async #later(): Promise<"again"> {
		await sleep(this.#parts.context.clock, RETRY_MS, this.#parts.signal).catch(() => {});
		return "again";
	}
}

function isOutdated(errorCode: number): boolean {
	return errorCode === ERROR.rebalanceInProgress || errorCode === ERROR.illegalGeneration;
}
