// `node --conditions=@polylog/source integration/scripts/brokers.ts [redis valkey rabbitmq kafka]`: gets the tests' brokers ready beforehand: container
// engine, images, servers' programs. What is there already is left as it is. `--end` removes the run's containers and stops the engine it started.
import { engine, endRun } from "../src/brokers/containers/engine.ts";
import { prepareImage } from "../src/brokers/containers/images.ts";
import { type ContainerServer, SERVER_IMAGES } from "../src/brokers/containers/servers.ts";
import { isCi } from "../src/brokers/providers.ts";
import { containerObstacle } from "../src/brokers/start-broker.ts";

const isServer = (name: string): name is ContainerServer => Object.hasOwn(SERVER_IMAGES, name);

async function prepare(names: readonly string[]): Promise<void> {
	const unknown = names.filter((name) => !isServer(name));
	if (unknown.length > 0) throw new Error(`no such server: ${unknown.join(", ")} (there are ${Object.keys(SERVER_IMAGES).join(", ")})`);
	const obstacle = await containerObstacle();
	// The tests that need one are skipped then, and give the same reason; in CI nothing is skipped.
	if (obstacle !== undefined && !isCi()) return console.log(`polylog: no containers: ${obstacle}`);
	const servers = names.length === 0 ? Object.keys(SERVER_IMAGES).filter(isServer) : names.filter(isServer);
	const started = Date.now();
	console.log(`polylog: container engine at ${await engine()}`);
	for (const { name } of await Promise.all(servers.map(prepareImage))) console.log(`polylog: image ${name}`);
	console.log(`polylog: ready in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

const names = process.argv.slice(2);
await (names.includes("--end") ? endRun() : prepare(names));
