/** Somebody else could read or change what is kept there. Says what to change. */
export class CustodyExposed extends Error {
  constructor(what: string, options?: ErrorOptions) {
    super(what, options)
    this.name = 'CustodyExposed'
  }
}
