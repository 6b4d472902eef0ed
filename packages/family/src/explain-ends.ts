/** The words for every end. A family has at most one, and it is final. */

import type { EndReason } from './family.ts'
import type { Wording } from './explain-verdicts.ts'

const cutOffIsFinal =
  'A cut-off ends what stands on a moment before its time, in every family at once, and is never taken back.'
const signInAgain = 'Send the user to sign in; what is opened from now on lives.'
const whoSetIt = 'The cut-off says who set it, when and why. Nothing else needs to be done.'

export const endTexts: { readonly [reason in EndReason]: Wording } = {
  reuse: {
    title: 'Ended: a spent token was used again',
    happened: 'A token that had been exchanged before was presented by someone who may not repeat it.',
    because:
      'Two parties hold tokens of one family, and the server cannot know which of them is the thief. It therefore ends ' +
      'the family for both (RFC 9700 section 4.14.2): the rightful user signs in again, the thief cannot.',
    developer:
      'Send the user to sign in. If this was your own client, it lost an answer and asked again too late, or two ' +
      'processes share one token: send a retry key, or refresh in one place only.',
    operator:
      'Take it for theft until shown otherwise. Compare the addresses and agents of the last uses; if one is strange, ' +
      "end the user's other sessions too (`pawl revoke --user`) and look for the leak.",
  },
  revoked_by_client: {
    title: 'Ended: the application revoked it',
    happened: 'The client sent one of its tokens to the revocation endpoint (RFC 7009).',
    because: 'Revoking any token of a family ends the family, so that no copy of it is left that works.',
    developer: 'Drop every token of this sign-in. The user signs in again when needed.',
    operator: 'Nothing needs to be done.',
  },
  revoked_by_user: {
    title: 'Ended: the user ended it',
    happened: 'The user ended this one family on the account page.',
    because: 'What an application holds in the name of a user is theirs to end at any time, one place or all of them.',
    developer: signInAgain,
    operator: 'Nothing needs to be done. If the user did not know that place, ask them whether it was a stranger.',
  },
  revoked_by_operator: {
    title: 'Ended: an operator revoked it',
    happened: 'A person with administrative rights ended this family.',
    because: 'An operator may end anything at any time; it is in the audit log with the name of who did it.',
    developer: signInAgain,
    operator: 'Ask whoever did it if you need to know more. There is no undo; the user signs in again.',
  },
  logged_out: {
    title: 'Ended: the user signed out',
    happened: 'The session in which this family was opened was signed out.',
    because: 'Without `offline_access` a family ends with its session (OpenID Connect Core section 11).',
    developer:
      'Send the user to sign in. An application that must work while the user is away asks for `offline_access`.',
    operator: 'Nothing needs to be done.',
  },
  code_expired: {
    title: 'Ended: the code was not redeemed in time',
    happened: 'The authorization code, or the device code, waited longer than it may.',
    because: 'A code travels through the browser, where others may see it; it is therefore good for a short time only.',
    developer: 'Redeem the code as soon as the browser brings it. If it came late, start the authorization again.',
    operator: 'Nothing needs to be done. If it happens often, look for a slow or sleeping application.',
  },
  idle_expired: {
    title: 'Ended: it was not used for too long',
    happened: 'No refresh succeeded within the idle time of the client.',
    because:
      'A session nobody uses is a session nobody would miss if it were stolen. Only a refresh that succeeds extends it.',
    developer: 'Send the user to sign in. `refresh_token_timeout` says how long is left after each refresh.',
    operator: 'Nothing needs to be done. If users complain, the idle lifetime of the client is too short for them.',
  },
  absolute_expired: {
    title: 'Ended: it reached its absolute end',
    happened: 'The family became as old as it may, however often it was refreshed.',
    because:
      'The absolute end is fixed when the user signs in and never moves later; then the user must sign in again.',
    developer: 'Send the user to sign in. `authorization_expires_in` says how long is left: ask before it is over.',
    operator: 'Nothing needs to be done.',
  },
  cut_off_everyone: {
    title: 'Ended: everything opened before a set time was cut off',
    happened: 'An operator, or a restore without a journal, cut off every family opened before a set time.',
    because: cutOffIsFinal,
    developer: signInAgain,
    operator: whoSetIt,
  },
  cut_off_client: {
    title: 'Ended: the client was cut off',
    happened:
      'Every family of this client that was opened before a set time was cut off, or the client was disabled or removed.',
    because: cutOffIsFinal,
    developer: 'Ask the operator whether your client is still registered and enabled; then send the user to sign in.',
    operator: whoSetIt,
  },
  cut_off_user: {
    title: 'Ended: the user was cut off',
    happened:
      'Everything of this user that stands on a sign-in before a set time was cut off: signed out everywhere, disabled, or a new password.',
    because: cutOffIsFinal,
    developer: signInAgain,
    operator: whoSetIt,
  },
  cut_off_session: {
    title: 'Ended: the session was cut off',
    happened: 'Everything that was opened in this session was ended, with or without `offline_access`.',
    because: cutOffIsFinal,
    developer: signInAgain,
    operator: whoSetIt,
  },
  cut_off_grant: {
    title: 'Ended: the grant was cut off',
    happened: 'The grant this family belongs to was ended, by a revocation or by a reuse in one of its families.',
    because: 'A grant ends with all its families and access tokens: they stand on the same permission.',
    developer: signInAgain,
    operator:
      'Look at the events of the grant: if the cause was a reuse in another family, take it for theft until shown otherwise.',
  },
  cut_off_consent: {
    title: 'Ended: the user withdrew consent',
    happened: 'The user, or an operator for the user, took back what this client had been allowed.',
    because: 'What a withdrawn consent allowed is over at once, and a new consent does not bring it back.',
    developer: 'Do not ask again on your own. When the user comes back, they will be asked for consent.',
    operator: 'Nothing needs to be done.',
  },
  too_many_grants: {
    title: 'Ended: the user opened too many others',
    happened: 'The user has as many living grants of this client as are allowed, and this was the oldest.',
    because:
      'The number of grants for each user and client is limited, so that a client that loses its tokens cannot fill the store.',
    developer:
      'Find out why your application signs in again and again instead of refreshing: it probably does not keep its token.',
    operator: 'Nothing needs to be done for one user. If it happens to many, talk to the developer of the client.',
  },
}
