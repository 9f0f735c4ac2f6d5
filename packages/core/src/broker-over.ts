import { Backend } from "./backend.ts";
import { ConnectedBroker } from "./connected-broker.ts";
import type { Broker } from "./api/broker.ts";
import type { Driver, DriverContext } from "./driver/driver.ts";

/** A broker over a driver that is connected already, under the clock and chance of whoever calls: for simulators. */
export function brokerOver(driver: Driver, context: DriverContext): Broker {
	return new ConnectedBroker(new Backend({ driver, ...context, secrets: [], display: driver.name }));
}
