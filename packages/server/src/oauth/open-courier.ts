import { type Courier, courier } from '../domain/outbox/courier.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import { backChannelLogout } from './back-channel-logout.ts'

type Parts = Pick<
  AuthorizationServer,
  'issuer' | 'store' | 'signingKeys' | 'entropy' | 'outbound' | 'clientKeys' | 'subjects' | 'background'
>

/** The courier with every channel there is. A new one is one file and one line here. */
export function openCourier(parts: Parts): Courier {
  const { issuer, store, signingKeys, entropy, outbound, clientKeys, subjects, background } = parts
  const nowMs = () => store.now()
  const { nameFor } = subjects
  return courier({
    outbox: store.outbox,
    families: store.families,
    channels: {
      backchannel_logout: backChannelLogout({
        issuer,
        clients: store.clients,
        signingKeys,
        entropy,
        outbound,
        clientKeys,
        nameFor,
        nowMs,
      }),
    },
    background,
    entropy,
    nowMs,
  })
}
