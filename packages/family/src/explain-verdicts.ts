/** The words for the verdicts that end nothing, and for how far a reuse reaches. The type names the verdict we forgot. */

import type { ReuseEnds, Verdict } from './present.ts'

/** One thing to explain: its title, a sentence or two on what happened and on why, and what each reader does next. */
export interface Wording {
  readonly title: string
  readonly happened: string
  readonly because: string
  readonly developer: string
  readonly operator: string
}

export const verdictTexts: {
  readonly [kind in Exclude<Verdict['kind'], 'reused' | 'refused'>]: Wording
} = {
  advanced: {
    title: 'Refreshed: the family moved forward',
    happened: 'The current token was exchanged for the next one.',
    because:
      'Whoever presents the current token, with everything that is asked of this client, gets exactly one successor.',
    developer: 'Store the new refresh token before you use the answer, and forget the old one.',
    operator: 'Nothing needs to be done.',
  },
  kept: {
    title: 'Refreshed: the same token stays current',
    happened: 'An access token was issued and the refresh token stayed as it is.',
    because:
      'This client proves itself with its own key at every refresh, so its refresh tokens are not rotated (FAPI 2.0); ' +
      'only the idle time starts again.',
    developer: 'Keep the refresh token you have.',
    operator: 'Nothing needs to be done.',
  },
  repeated: {
    title: 'Repeated: the same answer was given again',
    happened:
      'The token just before the current one was presented again, and the same successor was answered. Nothing moved.',
    because:
      'An answer can get lost, and two tabs can ask at once. A holder who shows the retry key, the bound key or client ' +
      'authentication, or who asks inside the repeat window, gets what was issued already and never a second successor.',
    developer:
      'A repeat now and then is normal. If it happens at every refresh, two processes share one token: let one of them ' +
      'refresh, or send a retry key.',
    operator:
      'Nothing needs to be done for a few. Many repeats in one family from two addresses may be two holders: compare ' +
      'them in the uses on record of the family.',
  },
  stale: {
    title: 'Refused as stale: the rightful holder showed an old token',
    happened: 'An old token was refused. Nothing ended, and the current token still works.',
    because:
      'The retry key or the bound key shows that this is the store the token was issued to. It has fallen behind, for ' +
      'instance after a restored backup, so it is no proof of theft; but an old token never gets a new answer.',
    developer:
      'Read your own store again: another process may have written a newer token. If there is none, revoke with the ' +
      'token you have and let the user sign in again.',
    operator: 'Look at the device if this goes on: a restored or copied credential store keeps presenting old tokens.',
  },
}

export const reuseEndsTexts: { readonly [ends in ReuseEnds]: string } = {
  family: 'By the policy of this client only this family ended.',
  grant: 'By the policy of this client the whole grant ended, with all its families and access tokens.',
  session: 'By the policy of this client everything that was opened in the same session ended.',
  consent: "By the policy of this client all of the user's grants to this client ended.",
}
