// The simulated world, for whoever simulates something of their own: `@polylog/testing/world`. It moves with core; only
// `@polylog/testing` is stable.
export { type Cut, Link, LinkError } from "./link.ts";
export { Machine, type Program, type Running } from "./machine.ts";
export { liveAsMember, type MemberCall } from "./member-life.ts";
export {
	ALL_FAULTS,
	endOf,
	EVERYDAY_FAULTS,
	EVERYTHING,
	type Fault,
	type FaultKind,
	makePlan,
	type MemberPlan,
	type Plan,
	type PlanOptions,
	type Taking,
} from "./plan.ts";
export { SimulatedProcess } from "./process.ts";
export { SeededRandom } from "@polylog/core/testing";
export { type Cuts, cutPlan, shorten } from "./shorten.ts";
export { type BrokerWatcher, CALM, type NetworkOptions, SimulatedBroker } from "./simulated-broker.ts";
export { VirtualTime } from "./virtual-time.ts";
export { describeFault, type Programs, World, type WorldWatcher } from "./world.ts";
