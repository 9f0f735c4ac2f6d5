// Under which names a member offers its way of sharing: a group's members must have one in common, and every one that
// knows the name may come to lead it.
import type { Assignor } from "@polylog/core/driver";

/** Java's and librdkafka's name of what the default assignor does, message for message. */
const COOPERATIVE_STICKY = "cooperative-sticky";
/** Java's and kafkajs' names: in an eager group all that members must agree on is that the leader decides. */
const EAGER = ["range", "roundrobin", "RoundRobinAssigner"] as const;

/** In the order of preference. An assignor of the application's is honoured only by members that know it, so it has a name of its own. */
export function protocolNames({ name }: Assignor, rebalance: "cooperative" | "eager"): readonly string[] {
	if (rebalance === "eager") return [`polylog-eager-${name}`, ...EAGER];
	return name === "sticky" ? [COOPERATIVE_STICKY] : [`polylog-cooperative-${name}`];
}
