// Kafka's groups, as core sees them: joined, looked at, reset and deleted.
import {
	type CommittedOffset,
	type GroupCoordinator,
	type GroupSession,
	type GroupSnapshot,
	type JoinRequest,
	type Offset,
	type Partition,
	partitionKey,
	PolylogError,
	type SessionListener,
} from "@polylog/core/driver";
import { type CommitItem, type CommittedItem, offsetCommitRequest, offsetFetchRequest } from "../wire/api/commits.ts";
import { deleteGroupRequest, type DescribedGroup, describeGroupRequest, listGroupsRequest } from "../wire/api/groups.ts";
import { check, ERROR, KafkaError } from "../wire/error-codes.ts";
import { leaveGroupRequest } from "../wire/api/membership.ts";
import { patiently } from "../wire/patience.ts";
import { decodeNote, encodeNote } from "./commit-note.ts";
import { decodeAssignment, decodeSubscription } from "./consumer-protocol.ts";
import type { GroupContext } from "./context.ts";
import { CoordinatorLink } from "./coordinator-link.ts";
import { eraAt, fenceOf, generationOf } from "./fence.ts";
import { partitionCounts } from "./joining.ts";
import { KafkaSession } from "./session.ts";

/** A coordinator that is starting or moving is waited for this long. */
const PATIENCE_MS = 15_000;
/** Members that are put out come back within a heartbeat; the offsets have to be quicker, once. */
const FORCE_TRIES = 20;

export class KafkaCoordinator implements GroupCoordinator {
	readonly #context: GroupContext;

	constructor(context: GroupContext) {
		this.#context = context;
	}

	async join(request: JoinRequest, listener: SessionListener, signal?: AbortSignal): Promise<GroupSession> {
		signal?.throwIfAborted();
		const { group, topics } = request;
		const counts = await partitionCounts(this.#context, topics, signal);
		const missing = topics.find((topic) => !counts.has(topic));
		if (missing !== undefined)
			throw new PolylogError("TOPIC_NOT_FOUND", `group "${group}" cannot be joined: there is no topic "${missing}"; create it first`, {
				topic: missing,
				group,
			});
		const session = new KafkaSession(this.#context, request, listener, counts);
		await session.start(signal);
		return session;
	}

	async describe(group: string, signal?: AbortSignal): Promise<GroupSnapshot | undefined> {
		const [found, items] = await Promise.all([this.#describe(group, signal), this.#committed(group, signal)]);
		const members = found?.members ?? [];
		if (members.length === 0 && items.length === 0 && (!found || found.state === "Dead")) return undefined;
		const fences = new Map(items.flatMap((item) => [[partitionKey(item), decodeNote(item.metadata)?.fence] as const]));
		const known = [...fences.values()].filter((fence) => fence !== undefined);
		return {
			group,
			// Kafka tells no generation to those outside; ours are in the commits.
			generation: known.reduce((most, fence) => (generationOf(fence) > most ? generationOf(fence) : most), 0n),
			coordinator: "kafka",
			members: members.map(({ id, clientId, instanceId, metadata, assignment }) => ({
				id,
				clientId,
				instanceId,
				topics: metadata.length === 0 ? [] : decodeSubscription(metadata).topics,
				partitions: decodeAssignment(assignment).map((partition) => ({ partition, fence: fences.get(partitionKey(partition)) ?? 0n })),
			})),
			committed: items.map(({ topic, index, offset, metadata }): [Partition, CommittedOffset] => [
				{ topic, index },
				{ offset, last: decodeNote(metadata)?.last },
			]),
		};
	}

	async list(signal?: AbortSignal): Promise<string[]> {
		const { network, layout } = this.#context;
		await layout.controller(signal);
		const answers = await Promise.all(
			network.nodes.map((node) => this.#patiently(() => network.send(node, "admin", listGroupsRequest(), { signal }), signal)),
		);
		// Offsets set by hand make a group without a protocol.
		return [
			...new Set(
				answers.flatMap(({ groups }) =>
					groups.filter(({ protocolType }) => protocolType === "consumer" || protocolType === "").map(({ group }) => group),
				),
			),
		];
	}

	/**
	 * Kafka takes offsets from outside only while nobody is in the group. With `force` its members are put out first (as
	 * Kafka's own tools can); they find out by their next heartbeat, join again, and go on from the new offsets.
	 */
	async reset(
		group: string,
		offsets: Iterable<readonly [Partition, Offset]>,
		{ force }: { readonly force: boolean },
		signal?: AbortSignal,
	): Promise<void> {
		const wanted = [...offsets];
		if (wanted.length === 0) return;
		const before = new Map((await this.#committed(group, signal)).map((item) => [partitionKey(item), decodeNote(item.metadata)?.fence]));
		const items = wanted.map(([{ topic, index }, offset]): CommitItem => {
			// The era goes on, so that fences keep rising; a group nobody was in begins one.
			const fence = before.get(partitionKey({ topic, index })) ?? fenceOf(eraAt(this.#context.clock.wall()), 0);
			return { topic, index, offset, metadata: encodeNote({ fence, last: undefined }) };
		});
		for (let tries = 1; ; tries++) {
			const members = (await this.#describe(group, signal))?.members ?? [];
			if (members.length > 0 && (!force || tries > FORCE_TRIES)) throw active(group, "reset it");
			if (members.length > 0) await this.#putOut(group, members, signal);
			if (await this.#setOffsets(group, items, signal)) return;
			if (!force || tries >= FORCE_TRIES) throw active(group, "reset it");
		}
	}

	async #putOut(group: string, members: DescribedGroup["members"], signal: AbortSignal | undefined): Promise<void> {
		const link = new CoordinatorLink(this.#context, group);
		for (const { id, instanceId } of members)
			await link.send("admin", leaveGroupRequest({ group, memberId: id, instanceId, generation: -1 }), { signal });
	}

	/** False if somebody is in the group. */
	async #setOffsets(group: string, items: readonly CommitItem[], signal: AbortSignal | undefined): Promise<boolean> {
		const link = new CoordinatorLink(this.#context, group);
		const membership = { group, memberId: "", instanceId: undefined, generation: -1 };
		let idle = true;
		await this.#patiently(async () => {
			for (const { topic, index, errorCode } of await link.send("admin", offsetCommitRequest(membership, items), { signal })) {
				if (errorCode === ERROR.unknownMemberId || errorCode === ERROR.illegalGeneration || errorCode === ERROR.rebalanceInProgress)
					idle = false;
				else check(errorCode, `setting the offset of group ${group} in ${topic}/${index}`);
			}
			return { errorCode: ERROR.none };
		}, signal);
		return idle;
	}

	async delete(group: string, signal?: AbortSignal): Promise<boolean> {
		const link = new CoordinatorLink(this.#context, group);
		const { errorCode } = await this.#patiently(
			async () => ({ errorCode: await link.send("admin", deleteGroupRequest(group), { signal }) }),
			signal,
		);
		if (errorCode === ERROR.groupIdNotFound) return false;
		if (errorCode === ERROR.nonEmptyGroup) throw active(group, "delete it");
		check(errorCode, `deleting group ${group}`);
		return true;
	}

	async #describe(group: string, signal: AbortSignal | undefined): Promise<DescribedGroup | undefined> {
		const link = new CoordinatorLink(this.#context, group);
		const found = await this.#patiently(
			async () =>
				(await link.send("admin", describeGroupRequest(group), { signal })) ?? {
					errorCode: ERROR.groupIdNotFound,
					group,
					state: "Dead",
					protocolType: "",
					members: [],
				},
			signal,
		);
		if (found.errorCode === ERROR.groupIdNotFound) return undefined;
		check(found.errorCode, `looking at group ${group}`);
		return found;
	}

	async #committed(group: string, signal: AbortSignal | undefined): Promise<readonly CommittedItem[]> {
		const link = new CoordinatorLink(this.#context, group);
		const { items, errorCode } = await this.#patiently(() => link.send("admin", offsetFetchRequest(group, undefined), { signal }), signal);
		check(errorCode, `reading the offsets of group ${group}`);
		return items.filter(({ offset }) => offset >= 0n);
	}

	/** An answer that passes is made an error, so that it is waited for. */
	#patiently<T extends { readonly errorCode: number }>(ask: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
		const asked = async () => {
			const answer = await ask();
			if (isPassing(answer.errorCode)) throw new KafkaError(answer.errorCode, "asking the group's coordinator");
			return answer;
		};
		return patiently(this.#context.clock, PATIENCE_MS, asked, signal);
	}
}

function isPassing(errorCode: number): boolean {
	return errorCode === ERROR.coordinatorLoading || errorCode === ERROR.coordinatorNotAvailable || errorCode === ERROR.notCoordinator;
}

function active(group: string, purpose: string): PolylogError {
	return new PolylogError("GROUP_ACTIVE", `group "${group}" has members: stop them to ${purpose}`, { group });
}
