import type { Secret } from "../secret.ts";

/** A backend's URL, parsed once by core. The text of it is kept nowhere, since it may hold a password. */
export interface BackendUrl {
	readonly scheme: string;
	readonly hosts: readonly { readonly host: string; readonly port: number | undefined }[];
	readonly username: string | undefined;
	readonly password: Secret | undefined;
	/** Decoded, without the leading slash; what follows `memory:` too. */
	readonly path: string;
	/** The query; an option without a value (`?tls`) is `"true"`. */
	readonly params: ReadonlyMap<string, string>;
	/** Scheme, hosts and path: safe to print. */
	readonly display: string;
}
