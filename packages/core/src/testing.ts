// For tests and demonstrations: ends that a well-behaved application never makes.
import type { Broker } from "./api/broker.ts";
import { ConnectedBroker } from "./connected-broker.ts";

/**
 * Ends a broker as the death of its process would: nothing more is sent and nothing more is dispatched, no goodbye to
 * the group or the broker. Works on every backend. Its members' `run` resolves, so that nothing hangs.
 */
export function crash(broker: Broker): void {
	if (!(broker instanceof ConnectedBroker)) throw new TypeError("crash needs a broker made by connect() of this package");
	broker.destroy();
}
