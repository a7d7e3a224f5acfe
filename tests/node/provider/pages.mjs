// The provider's own pages: a sign-in form whose fields no other provider names alike, a hidden
// field that has to come back, and a consent form with one button.

import { text } from 'node:stream/consumers'

export function pages(provider, { mount, accounts }) {
  return async function answer(request, response) {
    const details = await provider.interactionDetails(request, response)
    const form = request.method === 'POST' ? new URLSearchParams(await text(request)) : null
    if (form === null) return show(response, page(details, ''))
    if (form.get('uid') !== details.uid) return show(response, page(details, 'The page is outdated.'), 400)
    if (details.prompt.name === 'login') {
      const account = form.get('login')
      const known = Object.hasOwn(accounts, account) && accounts[account] === form.get('password')
      if (!known) return show(response, page(details, 'Wrong login or password.'))
      return finish({ login: { accountId: account } })
    }
    if (form.get('choice') === 'deny') return finish({ error: 'access_denied' })
    return finish({ consent: { grantId: await grant(details) } })

    function finish(result) {
      return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true })
    }
  }

  async function grant({ grantId, params, prompt, session }) {
    const granted = grantId
      ? await provider.Grant.find(grantId)
      : new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
    if (prompt.details.missingOIDCScope) granted.addOIDCScope(prompt.details.missingOIDCScope.join(' '))
    if (prompt.details.missingOIDCClaims) granted.addOIDCClaims(prompt.details.missingOIDCClaims)
    return granted.save()
  }

  function page({ uid, prompt }, problem) {
    const fields = prompt.name === 'login'
      ? '<input name="login" autofocus><input type="password" name="password"><button>Sign in</button>'
      : '<button name="choice" value="allow">Continue</button>'
    return `<!doctype html><title>Provider</title><p>${problem}</p>
<form method="post" action="${mount}/interaction/${uid}">
<input type="hidden" name="uid" value="${uid}">${fields}</form>`
  }
}

function show(response, body, status = 200) {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
  response.end(body)
}
