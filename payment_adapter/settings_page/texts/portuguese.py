"""Portuguese, as it is written in Angola. What the providers' own pages call by an English name keeps it."""

from collections.abc import Mapping

_PAGE = {
    "Language": "Língua",
    "Payment settings": "Definições de pagamento",
    "Payment settings of {shop}": "Definições de pagamento: {shop}",
    "What you enter is stored encrypted and never shown again. A field that you leave empty stays as it is.": (
        "O que escrever fica guardado em cifra e nunca mais é mostrado. Um campo deixado vazio fica como está."
    ),
    "This page works for {minutes} more minutes.": "Esta página funciona por mais {minutes} minutos.",
    "What the test found": "Resultado do teste",
    "✓ Good": "✓ Certo",
    "✗ Wrong": "✗ Errado",
    "Ways to pay": "Formas de pagamento",
    "✗ Not yet": "✗ Ainda não",
    "✓ Ready": "✓ Pronto",
    "missing or not usable: {names}": "em falta ou não serve: {names}",
    "What is stored can’t be opened here, so nothing can be changed: ask who runs this service. If they can’t help, "
    "remove it and enter everything again.": (
        "O que está guardado não se consegue abrir aqui, por isso nada pode ser mudado: pergunte a quem gere este "
        "serviço. Se não puderem ajudar, remova tudo e escreva de novo."
    ),
    "Last changed {moment}.": "Última alteração: {moment}.",
    "Nothing is stored yet.": "Ainda não há nada guardado.",
    "You can leave these empty": "Estes pode deixar vazios",
    "✓ Stored": "✓ Guardado",
    "Leave as it is": "Deixar como está",
    "Choose": "Escolha",
    "Forget what is stored for {label}": "Esquecer o que está guardado em {label}",
    "Save": "Guardar",
    "Test, and save if it works": "Testar, e guardar se funcionar",
    "Test what is stored": "Testar o que está guardado",
    "Remove these settings": "Remover estas definições",
    "Customers can’t pay with {provider} any more until you enter them again.": (
        "Os clientes deixam de poder pagar com {provider} até que as escreva de novo."
    ),
    "Remove everything stored for {provider}": "Remover tudo o que é de {provider}",
    "Here you enter what {shop} needs to be paid: keys and numbers from M-Pesa or e-Kwanza. They are stored encrypted, "
    "and nobody can read them again, not even here.": (
        "Aqui escreve o que {shop} precisa para receber pagamentos: chaves e números da M-Pesa ou da e-Kwanza. Ficam "
        "guardados em cifra, e ninguém os pode ler outra vez, nem aqui."
    ),
    "This address works once, in one browser.": "Este endereço funciona uma só vez, num só navegador.",
    "If {shop} is not your shop, close this page.": "Se {shop} não é a sua loja, feche esta página.",
    "Open the settings": "Abrir as definições",
}

_RAILS = {
    "M-Pesa prompt on the customer’s phone": "Pedido M-Pesa no telefone do cliente",
    "Multicaixa Express prompt on the customer’s phone": "Pedido Multicaixa Express no telefone do cliente",
    "Multicaixa reference, paid at a cash machine or in a bank’s app": (
        "Referência Multicaixa, paga no ATM ou na aplicação do banco"
    ),
    "e-Kwanza ticket, paid by QR code or at an agent": "Ticket e-Kwanza, pago por código QR ou num agente",
}

_SAID = {
    "This address opens nothing": "Este endereço não abre nada",
    "Look whether all of it was copied, or ask for a new one.": "Veja se o copiou todo, ou peça um novo.",
    "This address was used already": "Este endereço já foi usado",
    "It works once. Ask for a new one: the shop’s console makes it.": (
        "Funciona uma só vez. Peça um novo na consola da loja."
    ),
    "This address is too old": "Este endereço já expirou",
    "It works for ten minutes. Ask for a new one: the shop’s console makes it.": (
        "Funciona durante dez minutos. Peça um novo na consola da loja."
    ),
    "This page is closed": "Esta página está fechada",
    "It works for half an hour, in one browser. Ask for a new address.": (
        "Funciona durante meia hora, num só navegador. Peça um novo endereço."
    ),
    "This was not sent from this page": "Isto não foi enviado desta página",
    "Nothing was changed. Open the settings again and try there.": (
        "Nada foi mudado. Abra de novo as definições e tente lá."
    ),
    "That is too much text": "É texto a mais",
    "Nothing was changed. Look whether the right text was pasted.": "Nada foi mudado. Veja se colou o texto certo.",
    "What is stored can’t be opened here, so nothing was done.": (
        "O que está guardado não se consegue abrir aqui, por isso nada foi feito."
    ),
    "Saved. It counts within a few seconds.": "Guardado. Passa a valer dentro de segundos.",
    "Nothing was saved: {why}.": "Nada foi guardado: {why}.",
    "Nothing was saved, because the test found something wrong. Enter it again, or save it without a test.": (
        "Nada foi guardado, porque o teste encontrou um erro. Escreva de novo, ou guarde sem testar."
    ),
    "There is nothing stored to test.": "Não há nada guardado para testar.",
    "The test found nothing wrong.": "O teste não encontrou erros.",
    "The test found something wrong.": "O teste encontrou um erro.",
    "There was nothing to remove.": "Não havia nada para remover.",
    "Removed. Customers can’t pay in these ways any more.": ("Removido. Os clientes já não podem pagar destas formas."),
    "That were enough tests for one address. Ask for a new one.": (
        "Já chegam os testes com este endereço. Peça um novo."
    ),
    "Other tests are running. Try again in a minute.": "Há outros testes a decorrer. Tente daqui a um minuto.",
    "some fields need another look": "há campos a rever",
    "nothing was given, and nothing is stored": "nada foi escrito, e nada está guardado",
    "longer than {count} characters": "tem mais de {count} caracteres",
    "holds characters that can't be seen; copy it again": "tem caracteres que não se vêem; copie de novo",
    "choose one of {choices}": "escolha entre: {choices}",
    "the test broke off, which is our mistake: try again later": (
        "o teste foi interrompido por erro nosso: tente mais tarde"
    ),
    "there is nothing that can be tested": "não há nada que se possa testar",
}

_MPESA = {
    "Consumer key": "Consumer key",
    "Of the shop's app on developer.safaricom.co.ke, under My Apps. A sandbox key works in the sandbox only.": (
        "Da app da loja em developer.safaricom.co.ke, em My Apps. Uma chave da sandbox só funciona na sandbox."
    ),
    "Consumer secret": "Consumer secret",
    "Beside the consumer key of the same app.": "Ao lado da consumer key da mesma app.",
    "Short code": "Short code",
    "A paybill's number; of a till, the store (head office) number, not the till's own. Digits only.": (
        "O número do paybill; de um till, o número da store (head office), não o do till. Só algarismos."
    ),
    "Passkey": "Passkey",
    "Safaricom sends it when M-Pesa Express goes live for this short code.": (
        "A Safaricom envia-a quando o M-Pesa Express entra em funcionamento para este short code."
    ),
    "Paid to": "Pago a",
    "The paybill's number once more; of a till, the till number that customers know.": (
        "O número do paybill outra vez; de um till, o número do till que os clientes conhecem."
    ),
    "Kind": "Tipo",
    "CustomerPayBillOnline for a paybill, CustomerBuyGoodsOnline for a till.": (
        "CustomerPayBillOnline para paybill, CustomerBuyGoodsOnline para till."
    ),
    "CustomerPayBillOnline": "Paybill (CustomerPayBillOnline)",
    "CustomerBuyGoodsOnline": "Till, Buy Goods (CustomerBuyGoodsOnline)",
    "Initiator": "Initiator",
    "For refunds: the API operator's user name in the M-Pesa organisation portal, with a role that reverses.": (
        "Para devoluções: o nome de utilizador do operador da API no portal M-Pesa, com permissão para reverter."
    ),
    "Initiator's password": "Palavra-passe do initiator",
    "For refunds, with the certificate. It ends after 90 days: set a new one in the portal and here.": (
        "Para devoluções, com o certificado. Acaba ao fim de 90 dias: ponha uma nova no portal e aqui."
    ),
    "Safaricom's certificate": "Certificado da Safaricom",
    "For refunds: the whole text of the file from the developer portal; production has another than sandbox.": (
        "Para devoluções: todo o texto do ficheiro do portal; o de produção não é o da sandbox."
    ),
    "Security credential": "Security credential",
    "For refunds, instead of password and certificate: the text that the developer portal makes of both.": (
        "Para devoluções, em vez da palavra-passe e do certificado: o texto que o portal faz dos dois."
    ),
    "{name} is missing: fill it in": "em falta: preencha",
    "{name} is not a short code: fill it in": "isto não é um short code: escreva só os algarismos",
    "transaction_type is neither paybill nor till: fill it in": "escolha paybill ou till",
    "Daraja gave a token for the consumer key and secret": "A Daraja aceitou a consumer key e o secret",
    "Daraja did not object to short code and passkey; a first payment proves them": (
        "A Daraja não recusou o short code e a passkey; um primeiro pagamento é a prova"
    ),
    "Daraja gave no answer ({why}), so it is not proven: try again later": (
        "A Daraja não respondeu ({why}), por isso não está provado: tente mais tarde"
    ),
    "{why}, so nothing is proven: try again later": "{why}, por isso nada está provado: tente mais tarde",
    "Daraja refuses the consumer key and secret: copy both again from one app on developer.safaricom.co.ke, and look "
    "whether they are for the sandbox or for production": (
        "A Daraja recusa a consumer key e o secret: copie os dois de novo de uma só app em "
        "developer.safaricom.co.ke, e veja se são da sandbox ou de produção"
    ),
    "Daraja knows no such short code here: of a till give the store (head office) number, and look whether the key is "
    "for the sandbox and the short code for production, or the other way round": (
        "A Daraja não conhece este short code: de um till dê o número da store (head office), e veja se a chave é da "
        "sandbox e o short code de produção, ou o contrário"
    ),
    "Daraja says that the passkey does not fit the short code: copy it again from Safaricom's mail of going live, and "
    "look whether it is for this short code": (
        "A Daraja diz que a passkey não corresponde ao short code: copie-a de novo do e-mail da Safaricom, e veja se "
        "é deste short code"
    ),
    "{why}. Until then nothing can be refunded from here": "{why}. Até lá nada se pode devolver a partir daqui",
    "complete for refunds; only a first refund proves the initiator's password": (
        "completo para devoluções; só a primeira devolução prova a palavra-passe do initiator"
    ),
}

_EKWANZA = {
    "Environment": "Ambiente",
    "Which of e-Kwanza's two worlds the rest is from.": "De qual dos dois ambientes da e-Kwanza são os outros dados.",
    "sandbox": "Sandbox: para testar, sem dinheiro real",
    "production": "Produção: dinheiro real",
    "AppyPay client id": "Client id da AppyPay",
    "AppyPay's portal, under the application.": "No portal da AppyPay, na aplicação.",
    "AppyPay client secret": "Client secret da AppyPay",
    "Shown once, when the application is made.": "Mostrado uma só vez, quando a aplicação é criada.",
    "AppyPay resource": "Resource da AppyPay",
    "A GUID. Leave it empty for the environment's usual one; sign-in says AADSTS500011 when it is the wrong one.": (
        "Um GUID. Deixe vazio para usar o habitual do ambiente; AADSTS500011 quer dizer que não é o certo."
    ),
    "e-Kwanza account number": "Número da conta e-Kwanza",
    "“Nº conta” of the profile.": "“Nº conta” do perfil.",
    "e-Kwanza API key": "API key da e-Kwanza",
    "The merchant's profile; ticket callbacks are signed with it.": (
        "No perfil do comerciante; os avisos de tickets são assinados com ela."
    ),
    "Payment method for Multicaixa Express": "Método de pagamento Multicaixa Express",
    "The application's GUID, with or without GPO_ before it.": "O GUID da aplicação, com ou sem GPO_ antes.",
    "Payment method for references": "Método de pagamento por referência",
    "The application's GUID, with or without REF_ before it.": "O GUID da aplicação, com ou sem REF_ antes.",
    "Notification token": "Token de notificação",
    "The merchant's profile.": "No perfil do comerciante.",
    "Company registration number": "Número de registo da empresa",
    "“Nº de registo da empresa” of the profile, as it is written there: it is part of what is signed.": (
        "“Nº de registo da empresa” do perfil, tal como lá está escrito: faz parte do que é assinado."
    ),
    "Encoding of signatures": "Codificação das assinaturas",
    "Hex, unless e-Kwanza told you base64.": "Hex, a não ser que a e-Kwanza lhe tenha dito base64.",
    "is missing. {hint}": "em falta. {hint}",
    "does not look right. {hint}": "não parece certo. {hint}",
    "AppyPay gave a live token and answered a look-up": "A AppyPay aceitou as chaves e respondeu a uma consulta",
    "e-Kwanza knows the notification token": "A e-Kwanza conhece o token de notificação",
    "e-Kwanza does not know the notification token": "A e-Kwanza não conhece o token de notificação",
    "AppyPay's sign-in refuses the client id or the client secret ({code})": (
        "A AppyPay recusa o client id ou o client secret ({code})"
    ),
    "AppyPay's sign-in refuses the client id (or the environment that it belongs to) ({code})": (
        "A AppyPay recusa o client id, ou o ambiente a que pertence ({code})"
    ),
    "AppyPay's sign-in refuses the resource (or the environment that it belongs to) ({code})": (
        "A AppyPay recusa o resource, ou o ambiente a que pertence ({code})"
    ),
    "AppyPay does not take a fresh token: is the resource the right one? ({code})": (
        "A AppyPay não aceita um token novo: o resource é o certo? ({code})"
    ),
    "not proven: {why}": "não provado: {why}",
    "AppyPay can't be reached: {why}": "não se consegue chegar à AppyPay: {why}",
    "e-Kwanza can't be reached: {why}": "não se consegue chegar à e-Kwanza: {why}",
    "no token: {why}": "sem token: {why}",
    "AppyPay's sign-in gave no token": "A AppyPay não deu um token",
    "AppyPay answers a look-up with HTTP {code}": "A AppyPay responde com HTTP {code}",
    "not proven: e-Kwanza answers with HTTP {code}": "não provado: a e-Kwanza responde com HTTP {code}",
}

PORTUGUESE: Mapping[str, str] = {**_PAGE, **_RAILS, **_SAID, **_MPESA, **_EKWANZA}
