import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { samplePages } from '../../../../../tools/sample-pages.ts'
import { accountPage, type ShownHolding } from './account-page.ts'
import { pageScripts } from '../endpoints/page-scripts.ts'
import { consentPage, type ConsentPageProps, howLong } from './consent-page.ts'
import { errorPage } from './error-page.ts'
import { formPostPage } from './form-post-page.ts'
import { homePage } from './home-page.ts'
import type { Page } from './layout.ts'
import { leavePage } from './leave-page.ts'
import { choosePasswordPage, passwordChosenPage, recentMailsPage } from './password-pages.ts'
import { secondFactorPage } from './second-factor-page.ts'
import { signInPage, type SignInPageProps } from './sign-in-page.ts'
import { signUpPage } from './sign-up-page.ts'
import { signOutPage } from './sign-out-pages.ts'

const payloads = [
  `"><script>alert(1)</script>`,
  `'><img src=x onerror=alert(1)>`,
  `</title></style></textarea><svg onload=alert(1)>`,
  'javascript:alert(1)',
  '" autofocus onfocus="alert(1)',
  '\u202e</bdi><b>\r\nSet-Cookie: x=y',
  '${alert(1)}{{7*7}}<%= 7 %>',
]

const signIn: SignInPageProps = {
  issuerHost: 'id.example.com',
  stateToken: 'sealed',
  client: { name: 'Invoices', host: 'invoices.example' },
  loginHint: null,
  problem: null,
  signedInAs: null,
}
const consent: ConsentPageProps = {
  issuerHost: 'id.example.com',
  stateToken: 'sealed',
  client: { name: 'Invoices', host: 'invoices.example' },
  clientIsCertain: true,
  userEmail: 'ada@example.com',
  scopes: ['openid'],
  resources: [],
  details: [],
  lasting: { kind: 'once', accessSeconds: 600 },
}

/** Every tag of the document with its attributes; our templates never put a bare `>` into a quoted value. */
function tagsOf(page: Page): string[] {
  return page.body.replace(/<style>[^<]*<\/style>/, '').match(/<[^>]*>/g) ?? []
}

function directiveOf(policy: string, name: string): string | undefined {
  const found = policy.split('; ').find(part => part.startsWith(`${name} `))
  return found?.slice(name.length + 1)
}

/** The names of the tags in order: what a payload would change if it were not inert. */
function skeletonOf(page: Page): string {
  return tagsOf(page)
    .map(tag => tag.split(/[\s>]/, 1)[0])
    .join(' ')
}

function forms(page: Page): string[] {
  return page.body.match(/<form[\s\S]*?<\/form>/g) ?? []
}

function holdingsOf(text: string): ShownHolding[] {
  return (['sign_in', 'device', 'branch'] as const).map(kind => ({
    id: text,
    kind,
    name: text,
    since: text,
    lastUsed: text,
  }))
}

/** The pages by which people sign in and look after their accounts. */
function pagesOfPeople(text: string): Page[] {
  const client = { name: text, host: text }
  const frame = { issuerHost: text, stateToken: text, client }
  const options = JSON.stringify({ challenge: text })
  return [
    signInPage({ ...signIn, passkeyOptions: options, upstreams: [{ id: text, name: text }], offersAccount: true }),
    secondFactorPage({
      ...frame,
      action: '/second-factor',
      userEmail: text,
      takesCode: true,
      passkeyOptions: options,
      problem: null,
    }),
    signUpPage({ ...frame, loginHint: text, isSent: false }),
    choosePasswordPage({ issuerHost: text, action: '/password', token: text, email: text, problem: text }),
    passwordChosenPage({ issuerHost: text, email: text, accountHref: '/account' }),
    recentMailsPage({ issuerHost: text, mails: [{ to: text, subject: text, text }] }),
    accountPage({
      issuerHost: text,
      stateToken: text,
      userEmail: text,
      notice: { isProblem: true, text },
      hasTotp: true,
      recoveryCodesLeft: 1,
      passkeys: [{ id: text, name: text, since: text, lastUsed: text }],
      passkeyOptions: options,
      sessions: [{ id: text, isThis: false, agent: text, address: text, since: text, how: text }],
      applications: [{ clientId: text, name: text, scopes: [text], holdings: holdingsOf(text) }],
      upstreams: [{ id: text, name: text, since: text }],
    }),
  ]
}

describe('a page with hostile text in it', () => {
  /** Every place where text from outside stands on a page. */
  function pagesWith(text: string): Page[] {
    const client = { name: text, host: text, publishedAt: text }
    const detail = {
      sentence: [
        { text, isSent: true },
        { text, isSent: false },
      ],
      facts: [{ label: text, value: text }],
    }
    return [
      signInPage({
        ...signIn,
        stateToken: text,
        client,
        loginHint: text,
        problem: { kind: 'refused' },
        signedInAs: text,
      }),
      consentPage({
        ...consent,
        stateToken: text,
        client,
        userEmail: text,
        scopes: [text],
        resources: [text],
        details: [detail],
      }),
      errorPage({ issuerHost: text, title: text, message: text, requestId: text, status: 400 }),
      formPostPage({
        issuerHost: text,
        action: `https://a.example/${text}`,
        fields: [
          ['state', text],
          [text, 'x'],
        ],
      }),
      leavePage({ issuerHost: text, client, way: { href: `https://a.example/${text}` }, fields: [] }),
      leavePage({ issuerHost: text, client, way: { action: `https://a.example/${text}` }, fields: [[text, text]] }),
      signOutPage({ issuerHost: text, stateToken: text, userEmail: text, client }),
      homePage({ issuerHost: text, signedIn: { email: text, stateToken: text } }),
      ...pagesOfPeople(text),
    ]
  }

  const harmless = pagesWith('harmless').map(skeletonOf)
  for (const payload of payloads) {
    it(`CK-16 IJ-04 IJ-05 has the same markup as with harmless text: ${JSON.stringify(payload)}`, () => {
      const pages = pagesWith(payload)
      assert.deepEqual(pages.map(skeletonOf), harmless)
      for (const { body } of pages) assert.doesNotMatch(body, /<script>alert|<img|onload=alert\(1\)>|<b>/)
    })
  }

  it('CK-16 has no attribute that a payload could have added', () => {
    for (const page of payloads.flatMap(pagesWith)) {
      for (const tag of tagsOf(page)) assert.doesNotMatch(tag.replace(/"[^"]*"/g, '""'), /\son\w+=/)
    }
  })
})

for (const [name, page] of Object.entries(samplePages())) {
  describe(`the page ${name}`, () => {
    it('CK-16 CK-17 allows its one style by its hash, has no script in it, and loads at most one file of our own', () => {
      const policy = page.headers['content-security-policy'] ?? ''
      const styles = [...page.body.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(([, text = '']) => text)
      const hashes = styles.map(text => `'sha256-${createHash('sha256').update(text).digest('base64')}'`)
      assert.equal(directiveOf(policy, 'style-src'), hashes.join(' '))
      const scripts = page.body.match(/<script[\s\S]*?<\/script>/g) ?? []
      const known = pageScripts.map(({ path }) => `<script src="${path}"></script>`)
      assert.ok(scripts.length <= 1 && scripts.every(script => known.includes(script)), scripts.join(''))
      assert.equal(directiveOf(policy, 'script-src'), scripts.length === 0 ? undefined : "'self'")
      // Applications that hear of a logout by being loaded are named one by one in `frame-src`.
      const body = page.body.replaceAll(/<iframe hidden [^>]*><\/iframe>/g, '')
      assert.doesNotMatch(body, / style="|\ssrc=(?!"(?:data:image\/svg|\/scripts\/))|@import|url\((?!#)/)
      assert.doesNotMatch(policy, /unsafe|form-action|\*/)
    })

    it('CK-04 CK-17 carries the headers that every page carries', () => {
      const { headers } = page
      assert.match(
        headers['content-security-policy'] ?? '',
        /^default-src 'none'; .*base-uri 'none'; frame-ancestors 'none'$/,
      )
      assert.equal(headers['x-frame-options'], 'DENY')
      assert.equal(headers['referrer-policy'], 'no-referrer')
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.equal(headers['cache-control'], 'no-store')
      assert.equal(headers['content-type'], 'text/html; charset=utf-8')
    })

    it('has a language, one title, one heading, one main and no id twice', () => {
      assert.match(page.body, /^<!doctype html>\n<html lang="en">/)
      for (const tag of ['<title>', '<h1>', '<main ']) assert.equal(page.body.split(tag).length - 1, 1, tag)
      const ids = [...page.body.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id)
      assert.equal(new Set(ids).size, ids.length)
    })

    it('opens and closes every element in order', () => {
      const open: string[] = []
      for (const tag of tagsOf(page)) {
        const element = /^<\/?([a-z0-9]+)/.exec(tag)?.[1] ?? ''
        if (['meta', 'link', 'input', 'img'].includes(element) || tag.endsWith('/>') || tag.startsWith('<!')) continue
        if (tag.startsWith('</')) assert.equal(open.pop(), element)
        else open.push(element)
      }
      assert.deepEqual(open, [])
    })

    it('has at most one form that carries on, and it comes first', () => {
      const primary = forms(page).map(form => form.split('class="primary"').length - 1)
      assert.deepEqual(
        primary.slice(1).filter(count => count > 0),
        [],
      )
      assert.ok(primary.length === 0 || primary[0] === 1)
    })

    it('labels every field and tells what is wrong where it is wrong', () => {
      // What is hidden stands there for password managers, which want to know whose password it is.
      const inputs = tagsOf(page).filter(tag => /^<input(?! hidden| type="hidden")/.test(tag))
      for (const input of inputs) {
        const id = / id="([^"]*)"/.exec(input)?.[1] ?? ''
        assert.ok(page.body.includes(`<label for="${id}">`), id)
        const describedBy = / aria-describedby="([^"]*)"/.exec(input)?.[1]?.split(' ') ?? []
        for (const told of describedBy) assert.ok(page.body.includes(` id="${told}"`), told)
        assert.equal(describedBy.includes('problem'), page.body.includes('role="alert"'))
      }
    })

    it('posts to us with the sealed state, and every button says a decision', () => {
      if (name === 'form-post' || name === 'leave-by-form') return
      // They need no session and change nothing of one: what they carry is an address, a code or a sealed link.
      if (name === 'forgotten' || name.startsWith('choose-password') || name.startsWith('device-code')) return
      for (const form of forms(page)) {
        assert.match(
          form,
          /^<form method="post" action="\/(sign-in|consent|sign-out|second-factor|account|account\/sign-in)"><input type="hidden" name="state_token" value="[^"]+">/,
        )
        for (const button of form.match(/<button[^>]*>/g) ?? [])
          assert.match(button, / name="decision" value="[a-z_]+"/)
      }
    })
  })
}

describe('signInPage', () => {
  it('asks for both on one page, in fields that password managers know', () => {
    const { body } = signInPage(signIn)
    assert.match(body, /<input id="username" name="username"[^>]* autocomplete="username"/)
    assert.match(body, /<input id="password" name="password" type="password" autocomplete="current-password"/)
  })

  it('puts the cursor where the next word goes', () => {
    assert.match(signInPage(signIn).body, /<input id="username"[^>]* autofocus>/)
    assert.match(signInPage({ ...signIn, loginHint: 'ada@example.com' }).body, /<input id="password"[^>]* autofocus>/)
  })

  it('never writes a value into the password field', () => {
    const { body } = signInPage({ ...signIn, loginHint: 'ada@example.com', problem: { kind: 'refused' } })
    assert.doesNotMatch(/<input id="password"[^>]*>/.exec(body)?.[0] ?? '', / value=/)
  })

  it('says how long to wait', () => {
    const { body } = signInPage({ ...signIn, problem: { kind: 'throttled', retryAfterSeconds: 841 } })
    assert.ok(body.includes('Please wait 15 minutes, then try again.'))
  })
})

describe('consentPage', () => {
  it('CK-13 says for how long, in words', () => {
    const hour = 3600
    const day = 24 * hour
    assert.equal(
      howLong({ kind: 'offline', idleSeconds: 30 * day, absoluteSeconds: 90 * day }),
      'For up to 90 days, or 30 days without use. Signing out here does not end it.',
    )
    assert.equal(
      howLong({ kind: 'session', idleSeconds: hour, absoluteSeconds: 8 * hour }),
      'Until you sign out here: for up to 8 hours, or 1 hour without use.',
    )
    assert.equal(
      howLong({ kind: 'session', idleSeconds: day, absoluteSeconds: day }),
      'Until you sign out here: for up to 1 day.',
    )
    assert.equal(
      howLong({ kind: 'once', accessSeconds: 600 }),
      'For up to 10 minutes. After that it has to send you here again.',
    )
  })

  it('offers both answers in the one form', () => {
    const [form = ''] = forms(consentPage(consent))
    assert.deepEqual(form.match(/value="(allow|deny)"/g), ['value="allow"', 'value="deny"'])
  })

  it('links to the pages of an application, with their hosts and nothing loaded from them', () => {
    const pages = [{ words: 'Its terms', href: 'https://terms.example/?a=1&b="x"' }]
    for (const { body } of [
      consentPage({ ...consent, client: { ...consent.client, pages } }),
      signInPage({ ...signIn, client: { name: 'Shop', host: 'shop.example', pages } }),
    ]) {
      const link = '<a href="https://terms.example/?a=1&amp;b=&quot;x&quot;" target="_blank" rel="noopener noreferrer">'
      assert.ok(body.includes(`${link}Its terms</a> (<bdi>terms.example</bdi>)`), body)
    }
    assert.ok(!consentPage(consent).body.includes('About the application'))
  })

  it('warns where nobody can prove which application it is', () => {
    const warning = 'Nobody can prove which application this is'
    assert.ok(!consentPage(consent).body.includes(warning))
    assert.ok(consentPage({ ...consent, clientIsCertain: false }).body.includes(warning))
  })

  it('takes a scope named like an inherited property for what it is', () => {
    const { body } = consentPage({ ...consent, scopes: ['constructor', '__proto__'] })
    assert.ok(body.includes('<bdi>constructor</bdi>') && body.includes('<bdi>__proto__</bdi>'))
  })
})

describe('formPostPage', () => {
  it('AC-13 sends each parameter once, in order, and nothing else', () => {
    const fields = [
      ['code', 'c'],
      ['state', '"s"'],
      ['iss', 'https://id.example.com'],
    ] as const
    const [form = ''] = forms(
      formPostPage({ issuerHost: 'id.example.com', action: 'https://a.example/cb?x=1&y=2', fields }),
    )
    assert.ok(form.startsWith('<form method="post" action="https://a.example/cb?x=1&amp;y=2">'))
    const names = [...form.matchAll(/ name="([^"]*)" value="([^"]*)"/g)].map(([, name, value]) => `${name}=${value}`)
    assert.deepEqual(names, ['code=c', 'state=&quot;s&quot;', 'iss=https://id.example.com'])
  })

  it('RU-09 is never made for an address that runs as a script', () => {
    for (const action of [
      'javascript:alert(1)',
      'data:text/html,x',
      'com.example:/cb',
      ' https://a.example',
      '//a.example',
    ]) {
      assert.throws(() => formPostPage({ issuerHost: 'id.example.com', action, fields: [] }))
    }
  })
})
