// Deterministic simulation of an application's handlers: `@polylog/testing`.
export type { Remote } from "./services.ts";
export {
	type Observation,
	simulate,
	type SimulatedContext,
	type SimulateOptions,
	type SimulationFailure,
	type SimulationReport,
} from "./simulate.ts";
export { EVERYDAY_FAULTS, type FaultKind } from "./world/plan.ts";
