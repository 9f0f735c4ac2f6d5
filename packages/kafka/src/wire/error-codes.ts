// The error codes of Kafka's protocol that brokers send, and what they mean in Polylog's terms.
import type { Classification } from "@polylog/core/driver";

type Known = readonly [name: string, code: Classification["code"], retryable?: boolean];

/** Number → name, Polylog's code, and whether repeating may help where the code's own answer is wrong. */
const CODES: Readonly<Record<number, Known>> = {
	[-1]: ["UNKNOWN_SERVER_ERROR", "UNAVAILABLE"],
	1: ["OFFSET_OUT_OF_RANGE", "OFFSET_OUT_OF_RANGE"],
	2: ["CORRUPT_MESSAGE", "UNKNOWN"],
	3: ["UNKNOWN_TOPIC_OR_PARTITION", "TOPIC_NOT_FOUND"],
	5: ["LEADER_NOT_AVAILABLE", "UNAVAILABLE"],
	6: ["NOT_LEADER_OR_FOLLOWER", "UNAVAILABLE"],
	7: ["REQUEST_TIMED_OUT", "TIMEOUT"],
	8: ["BROKER_NOT_AVAILABLE", "UNAVAILABLE"],
	9: ["REPLICA_NOT_AVAILABLE", "UNAVAILABLE"],
	10: ["MESSAGE_TOO_LARGE", "MESSAGE_TOO_LARGE"],
	12: ["OFFSET_METADATA_TOO_LARGE", "UNKNOWN"],
	13: ["NETWORK_EXCEPTION", "CONNECTION_LOST"],
	14: ["COORDINATOR_LOAD_IN_PROGRESS", "UNAVAILABLE"],
	15: ["COORDINATOR_NOT_AVAILABLE", "UNAVAILABLE"],
	16: ["NOT_COORDINATOR", "UNAVAILABLE"],
	17: ["INVALID_TOPIC_EXCEPTION", "CONFIG_INVALID"],
	18: ["RECORD_LIST_TOO_LARGE", "MESSAGE_TOO_LARGE"],
	19: ["NOT_ENOUGH_REPLICAS", "UNAVAILABLE"],
	20: ["NOT_ENOUGH_REPLICAS_AFTER_APPEND", "UNAVAILABLE"],
	22: ["ILLEGAL_GENERATION", "FENCED"],
	23: ["INCONSISTENT_GROUP_PROTOCOL", "CONFIG_INVALID"],
	25: ["UNKNOWN_MEMBER_ID", "FENCED"],
	26: ["INVALID_SESSION_TIMEOUT", "CONFIG_INVALID"],
	27: ["REBALANCE_IN_PROGRESS", "UNAVAILABLE"],
	28: ["INVALID_COMMIT_OFFSET_SIZE", "UNKNOWN"],
	29: ["TOPIC_AUTHORIZATION_FAILED", "UNAUTHORIZED"],
	30: ["GROUP_AUTHORIZATION_FAILED", "UNAUTHORIZED"],
	31: ["CLUSTER_AUTHORIZATION_FAILED", "UNAUTHORIZED"],
	32: ["INVALID_TIMESTAMP", "CONFIG_INVALID"],
	33: ["UNSUPPORTED_SASL_MECHANISM", "CONFIG_INVALID"],
	34: ["ILLEGAL_SASL_STATE", "UNAUTHORIZED"],
	35: ["UNSUPPORTED_VERSION", "UNSUPPORTED"],
	36: ["TOPIC_ALREADY_EXISTS", "TOPIC_EXISTS"],
	37: ["INVALID_PARTITIONS", "CONFIG_INVALID"],
	38: ["INVALID_REPLICATION_FACTOR", "CONFIG_INVALID"],
	40: ["INVALID_CONFIG", "CONFIG_INVALID"],
	41: ["NOT_CONTROLLER", "UNAVAILABLE"],
	42: ["INVALID_REQUEST", "UNKNOWN"],
	44: ["POLICY_VIOLATION", "CONFIG_INVALID"],
	45: ["OUT_OF_ORDER_SEQUENCE_NUMBER", "UNAVAILABLE"],
	46: ["DUPLICATE_SEQUENCE_NUMBER", "UNKNOWN"],
	47: ["INVALID_PRODUCER_EPOCH", "UNAVAILABLE"],
	51: ["CONCURRENT_TRANSACTIONS", "UNAVAILABLE"],
	53: ["TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "UNAUTHORIZED"],
	56: ["KAFKA_STORAGE_ERROR", "UNAVAILABLE"],
	58: ["SASL_AUTHENTICATION_FAILED", "UNAUTHORIZED"],
	59: ["UNKNOWN_PRODUCER_ID", "UNAVAILABLE"],
	60: ["REASSIGNMENT_IN_PROGRESS", "UNAVAILABLE"],
	68: ["NON_EMPTY_GROUP", "GROUP_ACTIVE"],
	69: ["GROUP_ID_NOT_FOUND", "GROUP_NOT_FOUND"],
	72: ["LISTENER_NOT_FOUND", "UNAVAILABLE"],
	73: ["TOPIC_DELETION_DISABLED", "UNSUPPORTED"],
	74: ["FENCED_LEADER_EPOCH", "UNAVAILABLE"],
	75: ["UNKNOWN_LEADER_EPOCH", "UNAVAILABLE"],
	76: ["UNSUPPORTED_COMPRESSION_TYPE", "UNSUPPORTED"],
	78: ["OFFSET_NOT_AVAILABLE", "UNAVAILABLE"],
	79: ["MEMBER_ID_REQUIRED", "UNAVAILABLE"],
	81: ["GROUP_MAX_SIZE_REACHED", "UNAVAILABLE"],
	82: ["FENCED_INSTANCE_ID", "MEMBER_REPLACED"],
	87: ["INVALID_RECORD", "CONFIG_INVALID"],
	88: ["UNSTABLE_OFFSET_COMMIT", "UNAVAILABLE"],
	89: ["THROTTLING_QUOTA_EXCEEDED", "BACKPRESSURE"],
	100: ["UNKNOWN_TOPIC_ID", "UNAVAILABLE"],
	103: ["INCONSISTENT_TOPIC_ID", "UNAVAILABLE"],
};

/** Names for the numbers that code decides by. */
export const ERROR = {
	none: 0,
	offsetOutOfRange: 1,
	unknownTopicOrPartition: 3,
	leaderNotAvailable: 5,
	notLeader: 6,
	requestTimedOut: 7,
	messageTooLarge: 10,
	coordinatorLoading: 14,
	coordinatorNotAvailable: 15,
	notCoordinator: 16,
	recordListTooLarge: 18,
	notEnoughReplicasAfterAppend: 20,
	illegalGeneration: 22,
	inconsistentGroupProtocol: 23,
	unknownMemberId: 25,
	rebalanceInProgress: 27,
	topicAlreadyExists: 36,
	notController: 41,
	outOfOrderSequence: 45,
	duplicateSequence: 46,
	invalidProducerEpoch: 47,
	storageError: 56,
	unknownProducerId: 59,
	nonEmptyGroup: 68,
	groupIdNotFound: 69,
	memberIdRequired: 79,
	fencedInstanceId: 82,
	unknownTopicId: 100,
	inconsistentTopicId: 103,
} as const;

/** A broker's answer that is an error. */
export class KafkaError extends Error {
	override readonly name = "KafkaError";
	readonly errorCode: number;

	constructor(errorCode: number, what: string, told?: string) {
		super(`${what}: ${nameOf(errorCode)}${told ? ` (${told})` : ""}`);
		this.errorCode = errorCode;
	}
}

export function nameOf(errorCode: number): string {
	return CODES[errorCode]?.[0] ?? `error ${errorCode}`;
}

export function classifyCode(errorCode: number): Classification {
	const [, code, retryable] = CODES[errorCode] ?? ["", "UNKNOWN"];
	return retryable === undefined ? { code } : { code, retryable };
}

/** Throws if the code is an error. */
export function check(errorCode: number, what: string, told?: string): void {
	if (errorCode !== ERROR.none) throw new KafkaError(errorCode, what, told);
}
