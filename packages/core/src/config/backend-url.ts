// Parses a backend's URL once. Several hosts are allowed, which `new URL` does not know.
import type { BackendUrl } from "../driver/backend-url.ts";
import { PolylogError } from "../errors.ts";
import { Secret } from "../secret.ts";

const SHAPE = /^([a-z][a-z0-9+.-]*):(?:\/\/(?:([^@/?#]*)@)?([^/?#]*))?([^?#]*)(?:\?([^#]*))?$/i;

const NOT_ENCODED =
	"what stands between // and the path is not user:password@host:port,… (special characters in a password must be URL-encoded)";

/** Never quotes the text it was given: it may hold a password. */
export function parseBackendUrl(text: string): BackendUrl {
	if (typeof text !== "string") throw invalid(`the url must be a string, not ${typeof text}`);
	const match = SHAPE.exec(text.trim());
	if (!match) throw invalid("it must look like redis://user:password@host:6379/0 or memory:");
	const [, scheme = "", credentials, authority = "", path = "", query = ""] = match;
	// An "@" behind the host is the end of credentials that hold a character they may not: they would show as host and path.
	if (authority !== "" && credentials === undefined && path.includes("@")) throw invalid(NOT_ENCODED);
	const [username, password] = splitOnce(credentials ?? "", ":");
	const hosts = authority === "" ? [] : authority.split(",").map(parseHost);
	const cleanPath = decode(path.replace(/^\//, ""));
	return {
		scheme: scheme.toLowerCase(),
		hosts,
		username: username === "" ? undefined : decode(username),
		password: password === undefined ? undefined : new Secret(decode(password)),
		path: cleanPath,
		params: parseQuery(query),
		display: authority === "" ? `${scheme.toLowerCase()}:${cleanPath}` : `${scheme.toLowerCase()}://${authority}${path}`,
	};
}

function parseHost(text: string): { host: string; port: number | undefined } {
	const match = /^(\[[^\]@]+\]|[^:\s@]+)(?::(\d{1,5}))?$/.exec(text);
	const port = match?.[2] === undefined ? undefined : Number(match[2]);
	if (!match?.[1] || (port !== undefined && (port < 1 || port > 65_535))) throw invalid(NOT_ENCODED);
	return { host: match[1].replace(/^\[|\]$/g, ""), port };
}

function parseQuery(query: string): ReadonlyMap<string, string> {
	const params = new Map<string, string>();
	for (const part of query.split("&").filter((piece) => piece !== "")) {
		const [name, value] = splitOnce(part, "=");
		params.set(decode(name), value === undefined ? "true" : decode(value));
	}
	return params;
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
	const at = text.indexOf(separator);
	return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

function decode(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		throw invalid("a part of it is not properly URL-encoded");
	}
}

function invalid(why: string): PolylogError {
	return new PolylogError("CONFIG_INVALID", `the backend's URL cannot be read: ${why}`);
}
