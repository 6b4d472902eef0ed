/**
 * The store or the custody key failed, before anything was sent; or an answer could not be stored and is held in memory,
 * whose access token is over. Nothing was deleted; the same call works once the store does.
 */
export class CustodyFailed extends Error {
  readonly grant: string

  constructor(grant: string, what: string, options?: ErrorOptions) {
    super(`grant '${grant}': ${what}`, options)
    this.name = 'CustodyFailed'
    this.grant = grant
  }
}
