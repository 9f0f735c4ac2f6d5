// The few requests to a container engine that need no client library: quick enough to ask before any test.
import { request } from "node:http";

export interface EngineAnswer {
	readonly status: number;
	readonly body: string;
}

/** `unix:///path` or `tcp://host:port`; rejects if nobody answers in time. */
export function askEngine(host: string, method: "GET" | "DELETE", path: string, timeoutMs = 5000): Promise<EngineAnswer> {
	return new Promise((resolve, reject) => {
		const asked = request({ ...addressOf(host), method, path, headers: { Host: "engine" }, agent: false }, (response) => {
			let body = "";
			response.setEncoding("utf8");
			response.on("data", (chunk: string) => (body += chunk));
			response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
			response.once("error", reject);
		});
		asked.setTimeout(timeoutMs, () => asked.destroy(new Error(`no answer from ${host} within ${timeoutMs} ms`)));
		asked.once("error", reject);
		asked.end();
	});
}

export function addressOf(host: string): { readonly socketPath: string } | { readonly host: string; readonly port: number } {
	if (host.startsWith("unix://")) return { socketPath: host.slice("unix://".length) };
	const url = new URL(host.replace(/^tcp:/, "http:"));
	return { host: url.hostname, port: Number(url.port || 2375) };
}

export async function answers(host: string): Promise<boolean> {
	try {
		return (await askEngine(host, "GET", "/_ping", 2000)).status === 200;
	} catch {
		return false;
	}
}

export interface LabelledContainer {
	readonly id: string;
	readonly labels: Readonly<Record<string, string>>;
}

/** Containers with the label, running or not. */
export async function containersWith(host: string, label: string): Promise<LabelledContainer[]> {
	const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
	const { status, body } = await askEngine(host, "GET", `/containers/json?all=1&filters=${filters}`, 20_000);
	if (status !== 200) throw new Error(`${host} did not list its containers: ${status} ${body}`);
	const list = JSON.parse(body) as readonly { readonly Id: string; readonly Labels: Readonly<Record<string, string>> }[];
	return list.map(({ Id, Labels }) => ({ id: Id, labels: Labels }));
}

/** Kills it if it runs; its data goes too. One that is gone already, or going, is fine. */
export async function removeContainer(host: string, id: string): Promise<void> {
	const { status, body } = await askEngine(host, "DELETE", `/containers/${id}?force=1&v=1`, 30_000);
	if (![204, 404, 409].includes(status)) throw new Error(`${host} did not remove the container ${id}: ${status} ${body}`);
}

/** The image's labels; undefined if the engine has no such image. */
export async function imageLabels(host: string, image: string): Promise<Readonly<Record<string, string>> | undefined> {
	const { status, body } = await askEngine(host, "GET", `/images/${image}/json`, 20_000);
	if (status === 404) return undefined;
	if (status !== 200) throw new Error(`${host} did not describe the image ${image}: ${status} ${body}`);
	const { Config } = JSON.parse(body) as { readonly Config?: { readonly Labels?: Readonly<Record<string, string>> | null } };
	return Config?.Labels ?? {};
}
