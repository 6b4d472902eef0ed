/** The words for every reason to refuse. The client never sees them; `pawl explain` does. */

import type { RefusalReason } from './present.ts'
import type { Wording } from './explain-verdicts.ts'

export const refusalTexts: { readonly [reason in RefusalReason]: Wording } = {
  ended: {
    title: 'Refused: the family had ended before',
    happened: 'A token of a family that is over was presented. Nothing changed.',
    because: 'An end is final. No token, key, clock or restart brings a family back.',
    developer: 'Drop the token and send the user to sign in. Do not try it again.',
    operator: 'The end of the family says why; this refusal is only its echo. Look at the end.',
  },
  expired: {
    title: 'Refused: the time of the family was up',
    happened: 'The token came too late, and the family was ended for it.',
    because:
      'A family lives until it has been idle too long or has reached its absolute end, and a code until its redeem time ' +
      'is over. The first instant after that is refused, and the expiry is stored, so that no clock can undo it.',
    developer:
      'Send the user to sign in. `refresh_token_timeout` and `authorization_expires_in` in every token answer say how ' +
      'long is left: refresh before.',
    operator: 'Nothing needs to be done. If users complain, compare the idle and absolute lifetimes of the client.',
  },
  cut_off: {
    title: 'Refused: a cut-off covers this family',
    happened:
      'Somebody ended everything that stood on a moment before a set time, and this family did. It was ended for it.',
    because:
      'A cut-off is read inside every refresh. User, session and sign-out cut-offs compare with the time of sign-in, all ' +
      'others with the time the family was opened; what stands on the set time or later lives.',
    developer: 'Send the user to sign in. What is opened now is not covered by the cut-off.',
    operator: 'The end of the family names the kind of cut-off. The cut-off itself says who set it, when and why.',
  },
  ahead: {
    title: 'Refused, highest alarm: a token from the future',
    happened: 'The token is genuine, but its generation is higher than the row has ever issued. Nothing changed.',
    because:
      'Only this server can make such a token, so the row has gone backwards: most likely the database was restored ' +
      'from a backup. Accepting it would let spent tokens live again.',
    developer:
      'Keep the token and ask the operator before you send users to sign in: it may become good after a recovery.',
    operator:
      'Find out at once whether the database was restored, or whether a copy of it is serving. A restore must be done ' +
      'with `pawl restore`, which replays what was revoked since. If nothing was restored, treat the keys as stolen.',
  },
  exhausted: {
    title: 'Refused: the family has used its last generation',
    happened: `The current token is the last of more than four billion and has no successor. Nothing changed.`,
    because:
      'A generation is kept in four bytes and never starts again at 0, because then old tokens would be good again.',
    developer:
      'Send the user to sign in, and find the loop: at ten refreshes a second it takes thirteen years to get here.',
    operator: 'Find the client that refreshes without pause and throttle it.',
  },
  retry_key_required: {
    title: 'Refused: this family asks for its retry key',
    happened: 'A token of a keyed family was presented without a retry key. Nothing changed.',
    because:
      'The first refresh token of this family was asked for with a retry key, and from then on every request needs one. ' +
      'A thief who copied the token alone has none. This was settled when the code was redeemed and does not change.',
    developer:
      'Send `Idempotency-Key: "rk1.…"`, derived from the token with the custody key, at every refresh. Check for a proxy ' +
      'that strips the header.',
    operator:
      'If the client is known to send its retry key, somebody else may hold a copy of the token: look at the address, ' +
      'and end the family if it is strange.',
  },
  binding_mismatch: {
    title: 'Refused: the key this family is bound to was not shown',
    happened: 'A token was presented without a proof, or with a proof of another key. Nothing changed.',
    because:
      'The family is bound to a DPoP key, a certificate (RFC 9449, RFC 8705) or the key of one attested instance. A ' +
      'token without its key is worth nothing, so the holder of the key loses nothing by this either.',
    developer:
      'Sign the proof with the key that was used when the code was redeemed. If that key is lost, the user must sign in again.',
    operator:
      'A few are a broken key store. Several, from a strange address, mean that the token was copied without its key: ' +
      'the thief got nothing, but find out where it leaked.',
  },
  too_many_repeats: {
    title: 'Refused for now: the same token was repeated too often',
    happened:
      'The predecessor was presented again inside the repeat window, but more often than is allowed. Nothing ended.',
    because:
      'A bare token is repeated a limited number of times in each generation, so that a loop costs nobody but itself.',
    developer:
      'You read the answer and did not store it, or many processes share one token. Wait as long as Retry-After says, ' +
      'then refresh in one place only, or send a retry key.',
    operator: 'Tell the developer of the client. Nothing else needs to be done.',
  },
}
