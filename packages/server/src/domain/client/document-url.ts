/**
 * A client id may be the URL at which the client publishes its own metadata (Client ID Metadata Document §3). It has one
 * spelling: what a URL parser would write in another way is no id, so that one document never stands behind two clients.
 */

export const documentUrlCharactersMax = 512

/** True of an https URL with a path, and of http on loopback, which only a development server will ever fetch. */
export function isDocumentUrl(text: string): boolean {
  if (text.length > documentUrlCharactersMax || !shape.test(text) || !URL.canParse(text)) return false
  // The parser lowers the host, drops the default port and walks dot segments: what it leaves alone has none of these.
  return new URL(text).href === text
}

/** Scheme, host and port, path, query; no user information, no fragment, nothing that needs escaping in a log or page. */
const shape =
  /^(?:https:\/\/[a-z0-9.:[\]-]+|http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?)\/(?:[\w.~!$()*+,:=@/-]|%[\dA-Fa-f]{2})*(?:\?(?:[\w.~!$()*+,:=@/?&-]|%[\dA-Fa-f]{2})*)?$/

/** Where a document is published, as people read it on the consent page. */
export function hostOfDocument(url: string): string {
  return new URL(url).host
}
