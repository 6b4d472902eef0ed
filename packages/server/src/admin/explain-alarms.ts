/** The words for what changed nothing and is worth an operator's eye all the same: it speaks of a leak, or of a mistake. */

import type { Explanation } from '@pawl/family'
import type { RecordedEvent } from '../domain/event/event.ts'
import { isoInstant } from '../domain/time.ts'
import { type AlarmKind, fromWhere } from './explain-happenings.ts'

export function alarmExplanation(kind: AlarmKind, event: RecordedEvent): Explanation {
  const { title, happened, because, developer, operator } = alarms[kind](event)
  return {
    title,
    sentences: [`At ${isoInstant(event.atMs)}${fromWhere(event)}, ${happened}`, because],
    nextSteps: [
      { reader: 'developer', sentence: developer },
      { reader: 'operator', sentence: operator },
    ],
  }
}

interface Alarm {
  readonly title: string
  readonly happened: string
  readonly because: string
  readonly developer: string
  readonly operator: string
}

const alarms: { readonly [kind in AlarmKind]: (event: RecordedEvent) => Alarm } = {
  wrong_client: wrongClient,
  suspicious_pkce: event =>
    event.detail['same_challenge_within_the_hour'] === undefined ? shownVerifier(event) : sameChallenge(event),
}

function wrongClient(event: RecordedEvent): Alarm {
  const presenter = `client ${String(event.detail['presented_by'] ?? 'unknown')}`
  const owner = `client ${String(event.clientId)}`
  const [what, does] = event.detail['endpoint'] === 'revoke' ? ['revocation', 'revoked'] : ['use', 'redeemed']
  return {
    title: 'Refused: the token belongs to another client',
    happened: `${presenter} presented ${tokenOf(event)} of ${owner} for ${what}. It was not ${does}, and nothing changed.`,
    because:
      'A code or refresh token is worth something to the client it was issued to, and to nobody else (RFC 6749 §5.2). The ' +
      'presenter gets the answer of a token that never was, and the family lives on: otherwise any client could end ' +
      'the sessions of another.',
    developer:
      'If both clients are yours, one of them reads the credentials of the other: give each a store of its own. Never hand a ' +
      'code or a refresh token from one application to the next.',
    operator:
      `Ask the owners of ${presenter} how they came by it: either the two share a store, or the token has leaked. If nobody ` +
      'can say, end the family (pawl revoke --family) and look for the leak.',
  }
}

function shownVerifier(event: RecordedEvent): Alarm {
  return {
    title: 'Refused: the code verifier was no secret',
    happened: `the code of client ${String(event.clientId)} was presented with a verifier that the authorization request had shown in the browser. It was not redeemed, and is not spent.`,
    because:
      'PKCE proves that the one who redeems is the one who asked, because nobody else knows the verifier (RFC 7636 §7.1). A ' +
      'verifier that is the state, the nonce, the login hint or the client id is known to everyone who sees the URL, so it ' +
      'proves nothing.',
    developer:
      'Make a fresh verifier of 32 random bytes for every request, and send nothing of it but the S256 challenge.',
    operator:
      'Tell the developer of the client. From a strange address, somebody is trying a code that was seen in a browser.',
  }
}

function sameChallenge(event: RecordedEvent): Alarm {
  const times = String(event.detail['same_challenge_within_the_hour'])
  return {
    title: 'Suspicious: one code challenge for many requests',
    happened: `client ${String(event.clientId)} sent the same code challenge for the ${times}th time within the hour. Nothing was refused.`,
    because:
      'A challenge is for one request (RFC 9700 §2.1.1). With one that stays the same, whoever learns the verifier once can ' +
      'redeem every code that is stolen later.',
    developer: 'Make a fresh verifier for every authorization request. A constant or a cached one is a fault.',
    operator: 'Tell the developer of the client. Until it is mended, its codes are as safe as if there were no PKCE.',
  }
}

function tokenOf(event: RecordedEvent): string {
  const { generation } = event.detail
  return generation === 0 ? 'the code' : `the refresh token of generation ${String(generation)}`
}
