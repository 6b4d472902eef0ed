/** Where a client came from that no operator added: it registered itself (RFC 7591), or it is a document it publishes. */

export type ClientSource = RegisteredSource | DocumentSource

export interface RegisteredSource {
  readonly kind: 'registered'
  /**
   * Keyed hashes of its registration access token (RFC 7592 §3): the newest first, then the one before it for as long as
   * the newest has not been used, so that an answer that got lost locks nobody out.
   */
  readonly tokenHashes: readonly string[]
  /**
   * Who stands behind its redirect URIs: the name of an initial access token, or the issuer of a software statement that
   * says them. Null: nobody. A statement is in the hands of all who have the software, so what it does not say is theirs.
   */
  readonly vouchedBy: string | null
  /** Whose software statement it brought: only another one of the same issuer changes what that said. Null: none. */
  readonly statementOf: string | null
}

export interface DocumentSource {
  readonly kind: 'document'
  /** From then on the document is fetched again before the client is let to the authorization endpoint. */
  readonly freshUntilMs: number
  /** The host, where the operator named it; null where every host may publish clients. */
  readonly vouchedBy: string | null
}

/** True of one that showed an initial access token: the operator knows whom it was given to. */
export function cameByToken({ vouchedBy, statementOf }: RegisteredSource): boolean {
  return vouchedBy !== null && vouchedBy !== statementOf
}

/** True where an operator, or somebody the operator named, stands behind the client: then its redirect URIs are trusted. */
export function isVouchedFor({ source }: { readonly source: ClientSource | null }): boolean {
  return source === null || source.vouchedBy !== null
}
