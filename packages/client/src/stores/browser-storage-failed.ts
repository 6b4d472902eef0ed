/** The browser does not keep anything here, and what to do about it. */
export class BrowserStorageFailed extends Error {
  /** `refused`: no storage here. `insecure`: no https. `newer`: this page is out of date. `full`: no room. */
  readonly reason: 'refused' | 'insecure' | 'newer' | 'full' | 'broken'

  constructor(reason: BrowserStorageFailed['reason'], options?: ErrorOptions) {
    super(sentences[reason], options)
    this.name = 'BrowserStorageFailed'
    this.reason = reason
  }
}

/** The same out of what IndexedDB threw. */
export function storageFailure(cause: unknown, otherwise: BrowserStorageFailed['reason']): BrowserStorageFailed {
  if (cause instanceof BrowserStorageFailed) return cause
  const name = cause instanceof Error || cause instanceof DOMException ? cause.name : ''
  return new BrowserStorageFailed(reasons[name] ?? otherwise, { cause })
}

const sentences = {
  refused: 'IndexedDB cannot be used here: allow this site to keep data, or leave the private window.',
  insecure: 'Browsers give keys and locks to pages over https only, and to localhost: serve this page over https.',
  newer: 'A newer version of this application has changed the database: reload the page.',
  full: 'There is no room for this site to keep data: free some, and try again.',
  broken: 'IndexedDB failed. The same may work again.',
} as const

const reasons: { readonly [name: string]: BrowserStorageFailed['reason'] } = {
  QuotaExceededError: 'full',
  VersionError: 'newer',
  SecurityError: 'refused',
  // A browser that cannot keep keys, as Firefox once in its private windows.
  DataCloneError: 'refused',
}
