/** There is no custody key to be had, and why. The message says what to do about it, and nothing of any key. */
export class CustodyKeyUnavailable extends Error {
  /** `absent`: nobody has made one, or it is gone. `unusable`: it is no key. `unreachable`: whoever has it does not answer. */
  readonly reason: 'absent' | 'unusable' | 'unreachable'

  constructor(reason: CustodyKeyUnavailable['reason'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CustodyKeyUnavailable'
    this.reason = reason
  }
}
