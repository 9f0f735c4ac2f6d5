// What the parts of a group share.
import type { DriverContext } from "@polylog/core/driver";
import type { Layout } from "../layout.ts";
import type { Settings } from "../options.ts";
import type { Network } from "../wire/network.ts";

export interface GroupContext extends DriverContext {
	readonly network: Network;
	readonly layout: Layout;
	readonly settings: Settings;
	/** Aborts when the driver ends. */
	readonly ended: AbortSignal;
}
