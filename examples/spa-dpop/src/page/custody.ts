/** What this page holds, and where: one grant, for all tabs of this origin. */

import { type Custody, type Holder, type HolderEvent, holdGrants } from '@pawl/client'
import { browserCustodyKey, indexedDbStore, openCustodyDatabase } from '@pawl/client/indexed-db'
import { beginSignIn, finishSignIn } from '@pawl/client/sign-in'

/** The one grant; an application with several accounts has a name for each. */
export const grant = 'me'

const transactionItem = 'sign-in'

export interface PageCustody {
  readonly holder: Holder
  /** Goes to the server. Resolves when the browser is about to leave. */
  signIn(): Promise<void>
  /** The answer is in the address, once. */
  finishSignIn(): Promise<void>
  /** The userinfo endpoint, with access token and proof. */
  readProfile(): Promise<Response>
}

export function openCustody(issuer: string, clientId: string, onEvent: (event: HolderEvent) => void): PageCustody {
  const database = openCustodyDatabase()
  const custody: Custody = {
    server: issuer,
    client: { client_id: clientId },
    store: indexedDbStore(database),
    custodyKey: browserCustodyKey(database),
  }
  const holder = holdGrants({ ...custody, onEvent })
  const api = holder.fetchAs(grant, { origins: [issuer] })
  return {
    holder,
    async signIn() {
      const { url, transaction } = await beginSignIn(custody, {
        redirectUri: `${location.origin}/callback`,
        scope: 'openid profile email offline_access',
        useDpop: true,
      })
      sessionStorage.setItem(transactionItem, transaction)
      location.assign(url)
    },
    async finishSignIn() {
      const transaction = sessionStorage.getItem(transactionItem)
      sessionStorage.removeItem(transactionItem)
      if (transaction === null) throw new Error('this tab has not begun to sign in')
      await holder.keep(grant, await finishSignIn(custody, transaction, location.href))
      await database.persist()
    },
    readProfile: () => api(new URL('/userinfo', issuer)),
  }
}
