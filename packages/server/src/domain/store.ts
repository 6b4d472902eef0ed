/** Everything the server remembers, behind one narrow port per noun. `store/` implements it; `pawl.ts` plugs it in. */

import type { DetailsTypeStore } from './authorization-details/details-type.ts'
import type { ClientStore } from './client/client.ts'
import type { ConsentStore } from './consent/consent.ts'
import type { CutOffStore } from './cut-off/cut-off.ts'
import type { DeviceRequestStore } from './device/device-request.ts'
import type { EventStore } from './event/event.ts'
import type { RefusalStore } from './event/refusal.ts'
import type { FamilyStore } from './family/family-store.ts'
import type { SigningKeyStore } from './keys/signing-key-store.ts'
import type { MarkStore } from './mark/mark-store.ts'
import type { OutboxStore } from './outbox/outbox.ts'
import type { PushedRequestStore } from './pushed-request/pushed-request.ts'
import type { RegistrationStore } from './registration/registration-store.ts'
import type { ResourceStore } from './resource/resource.ts'
import type { RevocationStore } from './revocation/revocation-store.ts'
import type { SessionStore } from './session/session.ts'
import type { StatusStore } from './status/status-store.ts'
import type { ThrottleStore } from './throttle/throttle-store.ts'
import type { DeniedAccessTokenStore } from './token/denied-access-tokens.ts'
import type { UpstreamStore } from './upstream/upstream.ts'
import type { CredentialStore } from './user/credentials.ts'
import type { UserStore } from './user/user.ts'

export interface Store {
  readonly families: FamilyStore
  readonly cutOffs: CutOffStore
  readonly clients: ClientStore
  readonly users: UserStore
  readonly credentials: CredentialStore
  readonly upstreams: UpstreamStore
  readonly sessions: SessionStore
  readonly consents: ConsentStore
  readonly throttles: ThrottleStore
  readonly signingKeys: SigningKeyStore
  readonly deniedAccessTokens: DeniedAccessTokenStore
  readonly events: EventStore
  readonly refusals: RefusalStore
  readonly marks: MarkStore
  readonly pushedRequests: PushedRequestStore
  readonly deviceRequests: DeviceRequestStore
  readonly detailsTypes: DetailsTypeStore
  readonly registrations: RegistrationStore
  readonly outbox: OutboxStore
  readonly resources: ResourceStore
  readonly statusEntries: StatusStore
  readonly revocations: RevocationStore
  /** The store's time in milliseconds: the later of its clock and the highest time it ever stored. */
  now(): Promise<number>
  /** The value kept under a name, set by whoever comes first: `setting('key-check', fresh)` answers the first `fresh`. */
  setting(name: string, fresh: Uint8Array): Promise<Uint8Array>
  /** Resolves when the store can read and write; rejects with `StoreUnavailable` otherwise. */
  check(): Promise<void>
  /** Waits for what is being written, then lets go. */
  close(): Promise<void>
}

/** The store cannot answer now. Nothing is known to have changed; the same request may be sent again (I14). */
export class StoreUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreUnavailable'
  }
}

/** The store is there and must not be used as it is set up. The message is a sentence that says what to change. */
export class StoreRefused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreRefused'
  }
}
