/** A request to an engine; the method is `GET` by default. */
interface Request {
  method?: string | undefined;
  path: string;
}

/** Formats a request for messages: without its query, and with short ids. */
export function requestText({ method = "GET", path }: Request): string {
  return `${method} ${path.replace(/\?.*$/s, "").replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, "$1")}`;
}

/** True for the statuses with which a proxy denies a request. */
export function isDenied(status: number | undefined): boolean {
  return status === 401 || status === 403 || status === 405;
}

/**
 * The remedy for a refusal without an engine's message: a proxy with limited rights sent it.
 * Undefined for other statuses.
 */
export function hintIfDenied(status: number | undefined, request: Request): string | undefined {
  if (!isDenied(status)) return undefined;
  return `a proxy before the engine denies ${requestText(request)}: permit it there, or use the engine's own socket`;
}
