/**
 * How a sign-in can fail. Two kinds, because two parties can be the reason: the server or the person said no
 * (`SignInRefused`), or no usable answer came (`SignInFailed`). After either there is no grant, and a sign-in may simply
 * be begun again. No message contains a code, a token or a transaction.
 */

/** Where the server said no. */
export type SignInStep = 'request' | 'authorization' | 'redemption' | 'device'

/**
 * The server answered with an error of its own: `access_denied` when the person said no, `login_required` and its like
 * after `prompt=none`, `invalid_grant`, `invalid_client` and so on (RFC 6749 §4.1.2.1, §5.2, OIDC Core §3.1.2.6).
 */
export class SignInRefused extends Error {
  readonly step: SignInStep
  readonly code: string
  /** As the server wrote it, for logs; what came through a browser may have been written by anybody. */
  readonly description: string | null

  constructor(step: SignInStep, code: string, description: string | null, options?: ErrorOptions) {
    super(`the server refused to sign in (${step}: ${printable(code)})`, options)
    this.name = 'SignInRefused'
    this.step = step
    this.code = printable(code)
    this.description = description === null ? null : printable(description)
  }
}

/**
 * `not_ours`: the answer belongs to another transaction, server, client or address, or to none. `expired`: it took too
 * long. `unanswered`: the server could not be reached, or its answer was lost and asking again did not bring it back.
 * `invalid_answer`: what came breaks the protocol, an ID token for somebody else for example. `unsupported`: the server
 * cannot do what was asked for. `aborted`: the caller's signal.
 */
export type SignInFailure = 'not_ours' | 'expired' | 'unanswered' | 'invalid_answer' | 'unsupported' | 'aborted'

/** No usable answer came. Nothing was kept; begin again. */
export class SignInFailed extends Error {
  readonly reason: SignInFailure

  constructor(reason: SignInFailure, what: string, options?: ErrorOptions) {
    super(`${what}; sign in again`, options)
    this.name = 'SignInFailed'
    this.reason = reason
  }
}

const printedCharactersMax = 300

/** Visible ASCII, as RFC 6749 §4.1.2.1 has it: nothing that could break a line of a log or a terminal. */
function printable(text: string): string {
  return text.slice(0, printedCharactersMax).replaceAll(/[^ -~]/g, '?')
}
