// One round of joining: JoinGroup, the plan if this member leads, SyncGroup. Decides nothing about what is owned.
import { type JoinRequest, type Partition, PolylogError } from "@polylog/core/driver";
import { joinGroupRequest, type Joined, type Membership, syncGroupRequest } from "../wire/api/membership.ts";
import { ERROR, KafkaError } from "../wire/error-codes.ts";
import type { Lane } from "../wire/network.ts";
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription, type Subscription } from "./consumer-protocol.ts";
import type { GroupContext } from "./context.ts";
import type { CoordinatorLink } from "./coordinator-link.ts";
import { plan } from "./plan.ts";
import { protocolNames } from "./protocols.ts";

export interface Round {
	readonly memberId: string;
	readonly generation: number;
	readonly assigned: readonly Partition[];
	readonly leads: boolean;
}

/** Why a round has to be begun again: the answer's code. */
export class RoundBroken extends Error {
	override readonly name = "RoundBroken";
	readonly errorCode: number;
	/** The id the coordinator gave, to join under. */
	readonly memberId: string | undefined;

	constructor(errorCode: number, memberId?: string) {
		super(`the round of joining broke: ${errorCode}`);
		this.errorCode = errorCode;
		this.memberId = memberId;
	}
}

/** Answers that only mean that the round has to be begun again. */
const BROKEN: ReadonlySet<number> = new Set([
	ERROR.memberIdRequired,
	ERROR.unknownMemberId,
	ERROR.illegalGeneration,
	ERROR.rebalanceInProgress,
]);

export interface RoundParts {
	readonly context: GroupContext;
	readonly request: JoinRequest;
	readonly link: CoordinatorLink;
	/** Its socket waits for all other members, so it is the session's own. */
	readonly lane: Lane;
	readonly signal: AbortSignal;
	/** The join was answered; the member has this id and generation from now on. */
	readonly onJoined: (joined: Joined) => void;
	/** What the plan counted on. */
	readonly onCounts: (counts: ReadonlyMap<string, number>) => void;
}

export async function joinRound(parts: RoundParts, membership: Membership, subscription: Subscription): Promise<Round> {
	const { context, request, link, lane, signal } = parts;
	const { rebalanceTimeoutMs, rebalance } = context.settings;
	const metadata = encodeSubscription(subscription);
	const protocols = protocolNames(request.assignor, rebalance).map((name) => ({ name, metadata }));
	const joined = await link.send(
		lane,
		joinGroupRequest(membership, { sessionTimeoutMs: Math.round(request.sessionTimeoutMs), rebalanceTimeoutMs, protocols }),
		{ signal },
	);
	refuse(parts, joined.errorCode, joined.memberId);
	parts.onJoined(joined);
	const { memberId, generation } = joined;
	const leads = joined.leader === memberId && joined.members.length > 0;
	const assignments = leads ? await planFor(parts, joined) : new Map<string, Buffer>();
	const synced = await link.send(lane, syncGroupRequest({ ...membership, memberId, generation }, assignments, rebalanceTimeoutMs), {
		signal,
	});
	refuse(parts, synced.errorCode, memberId);
	return { memberId, generation, assigned: decodeAssignment(synced.assignment), leads };
}

async function planFor({ context, request, signal, onCounts }: RoundParts, { members }: Joined): Promise<ReadonlyMap<string, Buffer>> {
	const planning = members.map(({ id, metadata }) => ({ id, subscription: decodeSubscription(metadata) }));
	const counts = await partitionCounts(context, new Set(planning.flatMap(({ subscription }) => subscription.topics)), signal);
	onCounts(counts);
	const shares = plan({ members: planning, counts, assignor: request.assignor, cooperative: context.settings.rebalance === "cooperative" });
	return new Map([...shares].map(([id, partitions]) => [id, encodeAssignment(partitions)]));
}

/** Of the topics that exist; asked of the cluster. */
export async function partitionCounts(
	{ layout }: GroupContext,
	topics: Iterable<string>,
	signal?: AbortSignal,
): Promise<Map<string, number>> {
	const counts = new Map<string, number>();
	const found = await Promise.all([...topics].map(async (topic) => [topic, await layout.ask(topic, signal)] as const));
	for (const [topic, metadata] of found) if (metadata) counts.set(topic, metadata.partitions.length);
	return counts;
}

function refuse({ link, request, context }: RoundParts, errorCode: number, memberId: string): void {
	if (errorCode === ERROR.none) return;
	link.moved(errorCode);
	if (BROKEN.has(errorCode)) throw new RoundBroken(errorCode, errorCode === ERROR.memberIdRequired ? memberId : undefined);
	if (errorCode === ERROR.inconsistentGroupProtocol) {
		const names = protocolNames(request.assignor, context.settings.rebalance).join(", ");
		throw new PolylogError(
			"CONFIG_INVALID",
			`group "${request.group}" has members that share in another way than this one's (${names}): give all the same assignor, or set the option "rebalance"`,
			{ group: request.group },
		);
	}
	throw new KafkaError(
		errorCode,
		"the coordinator answers",
		errorCode === 26
			? `sessionTimeoutMs ${request.sessionTimeoutMs} is outside the broker's group.min.session.timeout.ms to group.max.session.timeout.ms`
			: undefined,
	);
}
