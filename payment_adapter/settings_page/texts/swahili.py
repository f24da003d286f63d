"""Swahili, as it is written in Kenya. What Safaricom's own pages call by an English name keeps it."""

from collections.abc import Mapping

_PAGE = {
    "Language": "Lugha",
    "Payment settings": "Mipangilio ya malipo",
    "Payment settings of {shop}": "Mipangilio ya malipo ya {shop}",
    "What you enter is stored encrypted and never shown again. A field that you leave empty stays as it is.": (
        "Unachoandika kinahifadhiwa kwa siri na hakionyeshwi tena. Sehemu ukiiacha tupu inabaki ilivyo."
    ),
    "This page works for {minutes} more minutes.": "Ukurasa huu utafanya kazi kwa dakika {minutes} zaidi.",
    "What the test found": "Majaribio yameonyesha",
    "✓ Good": "✓ Sawa",
    "✗ Wrong": "✗ Si sawa",
    "Ways to pay": "Njia za kulipa",
    "✗ Not yet": "✗ Bado",
    "✓ Ready": "✓ Tayari",
    "missing or not usable: {names}": "hazipo au hazitumiki: {names}",
    "What is stored can’t be opened here, so nothing can be changed: ask who runs this service. If they can’t help, "
    "remove it and enter everything again.": (
        "Kilichohifadhiwa hakifunguki hapa, kwa hivyo hakuna kinachoweza kubadilishwa: waulize wanaoendesha huduma "
        "hii. Wakishindwa kusaidia, ondoa kila kitu na ukiandike upya."
    ),
    "Last changed {moment}.": "Ilibadilishwa mwisho {moment}.",
    "Nothing is stored yet.": "Bado hakuna kilichohifadhiwa.",
    "You can leave these empty": "Hizi unaweza kuziacha tupu",
    "✓ Stored": "✓ Imehifadhiwa",
    "Leave as it is": "Iache ilivyo",
    "Choose": "Chagua",
    "Forget what is stored for {label}": "Sahau kilichohifadhiwa cha {label}",
    "Save": "Hifadhi",
    "Test, and save if it works": "Jaribu, na uhifadhi ikifaa",
    "Test what is stored": "Jaribu kilichohifadhiwa",
    "Remove these settings": "Ondoa mipangilio hii",
    "Customers can’t pay with {provider} any more until you enter them again.": (
        "Wateja hawataweza kulipa kwa {provider} hadi uiandike tena."
    ),
    "Remove everything stored for {provider}": "Ondoa yote ya {provider}",
    "Here you enter what {shop} needs to be paid: keys and numbers from M-Pesa or e-Kwanza. They are stored encrypted, "
    "and nobody can read them again, not even here.": (
        "Hapa unaandika vitu ambavyo {shop} inahitaji ili ilipwe: funguo na nambari za M-Pesa au e-Kwanza. "
        "Vinahifadhiwa kwa siri, na hakuna anayeweza kuvisoma tena, hata hapa."
    ),
    "This address works once, in one browser.": "Anwani hii hufanya kazi mara moja tu, katika kivinjari kimoja.",
    "If {shop} is not your shop, close this page.": "Kama {shop} si duka lako, funga ukurasa huu.",
    "Open the settings": "Fungua mipangilio",
}

_RAILS = {
    "M-Pesa prompt on the customer’s phone": "Ombi la M-Pesa kwenye simu ya mteja",
    "Multicaixa Express prompt on the customer’s phone": "Ombi la Multicaixa Express kwenye simu ya mteja",
    "Multicaixa reference, paid at a cash machine or in a bank’s app": (
        "Nambari ya Multicaixa, inayolipwa kwa ATM au programu ya benki"
    ),
    "e-Kwanza ticket, paid by QR code or at an agent": "Tiketi ya e-Kwanza, inayolipwa kwa QR au kwa wakala",
}

_SAID = {
    "This address opens nothing": "Anwani hii haifungui chochote",
    "Look whether all of it was copied, or ask for a new one.": "Angalia kama imenakiliwa yote, au uombe nyingine.",
    "This address was used already": "Anwani hii imeshatumika",
    "It works once. Ask for a new one: the shop’s console makes it.": (
        "Hufanya kazi mara moja. Omba nyingine kwenye konsoli ya duka."
    ),
    "This address is too old": "Anwani hii imepitwa na wakati",
    "It works for ten minutes. Ask for a new one: the shop’s console makes it.": (
        "Hufanya kazi kwa dakika kumi. Omba nyingine kwenye konsoli ya duka."
    ),
    "This page is closed": "Ukurasa huu umefungwa",
    "It works for half an hour, in one browser. Ask for a new address.": (
        "Hufanya kazi kwa nusu saa, katika kivinjari kimoja. Omba anwani mpya."
    ),
    "This was not sent from this page": "Hii haikutumwa kutoka ukurasa huu",
    "Nothing was changed. Open the settings again and try there.": (
        "Hakuna kilichobadilishwa. Fungua mipangilio tena na ujaribu huko."
    ),
    "That is too much text": "Maandishi ni mengi mno",
    "Nothing was changed. Look whether the right text was pasted.": (
        "Hakuna kilichobadilishwa. Angalia kama umebandika maandishi sahihi."
    ),
    "What is stored can’t be opened here, so nothing was done.": (
        "Kilichohifadhiwa hakifunguki hapa, kwa hivyo hakuna kilichofanyika."
    ),
    "Saved. It counts within a few seconds.": "Imehifadhiwa. Itaanza kutumika baada ya sekunde chache.",
    "Nothing was saved: {why}.": "Hakuna kilichohifadhiwa: {why}.",
    "Nothing was saved, because the test found something wrong. Enter it again, or save it without a test.": (
        "Hakuna kilichohifadhiwa, kwa sababu jaribio limepata kosa. Andika tena, au hifadhi bila kujaribu."
    ),
    "There is nothing stored to test.": "Hakuna kilichohifadhiwa cha kujaribu.",
    "The test found nothing wrong.": "Jaribio halikupata kosa.",
    "The test found something wrong.": "Jaribio limepata kosa.",
    "There was nothing to remove.": "Hakukuwa na cha kuondoa.",
    "Removed. Customers can’t pay in these ways any more.": "Imeondolewa. Wateja hawawezi tena kulipa kwa njia hizi.",
    "That were enough tests for one address. Ask for a new one.": (
        "Majaribio ya anwani hii yametosha. Omba anwani nyingine."
    ),
    "Other tests are running. Try again in a minute.": "Majaribio mengine yanaendelea. Jaribu tena baada ya dakika.",
    "some fields need another look": "angalia tena baadhi ya sehemu",
    "nothing was given, and nothing is stored": "hakuna kilichoandikwa, na hakuna kilichohifadhiwa",
    "longer than {count} characters": "ni ndefu kuliko herufi {count}",
    "holds characters that can't be seen; copy it again": "ina herufi zisizoonekana; nakili tena",
    "choose one of {choices}": "chagua moja ya: {choices}",
    "the test broke off, which is our mistake: try again later": (
        "jaribio limekatika, kosa ni letu: jaribu tena baadaye"
    ),
    "there is nothing that can be tested": "hakuna kinachoweza kujaribiwa",
}

_MPESA = {
    "Consumer key": "Consumer key",
    "Of the shop's app on developer.safaricom.co.ke, under My Apps. A sandbox key works in the sandbox only.": (
        "Ya app ya duka kwenye developer.safaricom.co.ke, chini ya My Apps. Ufunguo wa sandbox hufanya kazi kwenye "
        "sandbox tu."
    ),
    "Consumer secret": "Consumer secret",
    "Beside the consumer key of the same app.": "Iko kando ya consumer key ya app hiyohiyo.",
    "Short code": "Short code",
    "A paybill's number; of a till, the store (head office) number, not the till's own. Digits only.": (
        "Nambari ya paybill; kwa till, nambari ya store (head office), si ya till yenyewe. Tarakimu tu."
    ),
    "Passkey": "Passkey",
    "Safaricom sends it when M-Pesa Express goes live for this short code.": (
        "Safaricom huituma M-Pesa Express inapoanza kwa short code hii."
    ),
    "Paid to": "Inalipwa kwa",
    "The paybill's number once more; of a till, the till number that customers know.": (
        "Nambari ya paybill tena; kwa till, nambari ya till ambayo wateja wanaijua."
    ),
    "Kind": "Aina",
    "CustomerPayBillOnline for a paybill, CustomerBuyGoodsOnline for a till.": (
        "CustomerPayBillOnline kwa paybill, CustomerBuyGoodsOnline kwa till."
    ),
    "CustomerPayBillOnline": "Paybill (CustomerPayBillOnline)",
    "CustomerBuyGoodsOnline": "Till, Buy Goods (CustomerBuyGoodsOnline)",
    "Initiator": "Initiator",
    "For refunds: the API operator's user name in the M-Pesa organisation portal, with a role that reverses.": (
        "Kwa kurudisha pesa: jina la mtumiaji wa API kwenye portal ya M-Pesa, mwenye ruhusa ya kurudisha."
    ),
    "Initiator's password": "Nenosiri la initiator",
    "For refunds, with the certificate. It ends after 90 days: set a new one in the portal and here.": (
        "Kwa kurudisha pesa, pamoja na cheti. Huisha baada ya siku 90: weka jipya kwenye portal na hapa."
    ),
    "Safaricom's certificate": "Cheti cha Safaricom",
    "For refunds: the whole text of the file from the developer portal; production has another than sandbox.": (
        "Kwa kurudisha pesa: maandishi yote ya faili kutoka portal ya developer; production ina cheti chake, tofauti "
        "na sandbox."
    ),
    "Security credential": "Security credential",
    "For refunds, instead of password and certificate: the text that the developer portal makes of both.": (
        "Kwa kurudisha pesa, badala ya nenosiri na cheti: maandishi ambayo portal ya developer hutengeneza."
    ),
    "{name} is missing: fill it in": "haipo: ijaze",
    "{name} is not a short code: fill it in": "hii si short code: andika tarakimu zake tu",
    "transaction_type is neither paybill nor till: fill it in": "chagua paybill au till",
    "Daraja gave a token for the consumer key and secret": "Daraja imekubali consumer key na consumer secret",
    "Daraja did not object to short code and passkey; a first payment proves them": (
        "Daraja haikukataa short code na passkey; malipo ya kwanza yatathibitisha"
    ),
    "Daraja gave no answer ({why}), so it is not proven: try again later": (
        "Daraja haikujibu ({why}), kwa hivyo haijathibitishwa: jaribu tena baadaye"
    ),
    "{why}, so nothing is proven: try again later": "{why}, kwa hivyo hakuna kilichothibitishwa: jaribu tena baadaye",
    "Daraja refuses the consumer key and secret: copy both again from one app on developer.safaricom.co.ke, and look "
    "whether they are for the sandbox or for production": (
        "Daraja inakataa consumer key na secret: nakili zote mbili tena kutoka app moja kwenye "
        "developer.safaricom.co.ke, na uangalie kama ni za sandbox au za production"
    ),
    "Daraja knows no such short code here: of a till give the store (head office) number, and look whether the key is "
    "for the sandbox and the short code for production, or the other way round": (
        "Daraja haijui short code hii: kwa till andika nambari ya store (head office), na uangalie kama ufunguo ni wa "
        "sandbox na short code ni ya production, au kinyume chake"
    ),
    "Daraja says that the passkey does not fit the short code: copy it again from Safaricom's mail of going live, and "
    "look whether it is for this short code": (
        "Daraja inasema passkey hailingani na short code: inakili tena kutoka barua pepe ya Safaricom, na uangalie "
        "kama ni ya short code hii"
    ),
    "{why}. Until then nothing can be refunded from here": "{why}. Hadi hapo huwezi kurudisha pesa kutoka hapa",
    "complete for refunds; only a first refund proves the initiator's password": (
        "imekamilika kwa kurudisha pesa; urejeshaji wa kwanza ndio utathibitisha nenosiri la initiator"
    ),
}

_EKWANZA = {
    "Environment": "Mazingira",
    "Which of e-Kwanza's two worlds the rest is from.": "Mengine yote yanatoka upande gani wa e-Kwanza.",
    "sandbox": "Sandbox: ya majaribio, si pesa halisi",
    "production": "Production: pesa halisi",
    "AppyPay client id": "Client id ya AppyPay",
    "AppyPay's portal, under the application.": "Kwenye portal ya AppyPay, chini ya application.",
    "AppyPay client secret": "Client secret ya AppyPay",
    "Shown once, when the application is made.": "Huonyeshwa mara moja, application inapoundwa.",
    "AppyPay resource": "Resource ya AppyPay",
    "A GUID. Leave it empty for the environment's usual one; sign-in says AADSTS500011 when it is the wrong one.": (
        "Ni GUID. Iache tupu kutumia ile ya kawaida; AADSTS500011 inamaanisha si sahihi."
    ),
    "e-Kwanza account number": "Nambari ya akaunti ya e-Kwanza",
    "“Nº conta” of the profile.": "“Nº conta” kwenye wasifu.",
    "e-Kwanza API key": "API key ya e-Kwanza",
    "The merchant's profile; ticket callbacks are signed with it.": (
        "Kwenye wasifu wa mfanyabiashara; taarifa za tiketi hutiwa sahihi nayo."
    ),
    "Payment method for Multicaixa Express": "Njia ya malipo ya Multicaixa Express",
    "The application's GUID, with or without GPO_ before it.": "GUID ya application, ikiwa na GPO_ mbele au bila.",
    "Payment method for references": "Njia ya malipo ya nambari (references)",
    "The application's GUID, with or without REF_ before it.": "GUID ya application, ikiwa na REF_ mbele au bila.",
    "Notification token": "Notification token",
    "The merchant's profile.": "Kwenye wasifu wa mfanyabiashara.",
    "Company registration number": "Nambari ya usajili wa kampuni",
    "“Nº de registo da empresa” of the profile, as it is written there: it is part of what is signed.": (
        "“Nº de registo da empresa” kwenye wasifu, kama ilivyoandikwa: ni sehemu ya kinachotiwa sahihi."
    ),
    "Encoding of signatures": "Namna ya kuandika sahihi",
    "Hex, unless e-Kwanza told you base64.": "Hex, isipokuwa e-Kwanza wamekuambia base64.",
    "is missing. {hint}": "haipo. {hint}",
    "does not look right. {hint}": "haionekani kuwa sahihi. {hint}",
    "AppyPay gave a live token and answered a look-up": "AppyPay imekubali funguo na imejibu swali",
    "e-Kwanza knows the notification token": "e-Kwanza inaijua notification token",
    "e-Kwanza does not know the notification token": "e-Kwanza haiijui notification token",
    "AppyPay's sign-in refuses the client id or the client secret ({code})": (
        "AppyPay inakataa client id au client secret ({code})"
    ),
    "AppyPay's sign-in refuses the client id (or the environment that it belongs to) ({code})": (
        "AppyPay inakataa client id, au mazingira yake ({code})"
    ),
    "AppyPay's sign-in refuses the resource (or the environment that it belongs to) ({code})": (
        "AppyPay inakataa resource, au mazingira yake ({code})"
    ),
    "AppyPay does not take a fresh token: is the resource the right one? ({code})": (
        "AppyPay haikubali token mpya: je, resource ni sahihi? ({code})"
    ),
    "not proven: {why}": "haijathibitishwa: {why}",
    "AppyPay can't be reached: {why}": "AppyPay haipatikani: {why}",
    "e-Kwanza can't be reached: {why}": "e-Kwanza haipatikani: {why}",
    "no token: {why}": "hakuna token: {why}",
    "AppyPay's sign-in gave no token": "AppyPay haikutoa token",
    "AppyPay answers a look-up with HTTP {code}": "AppyPay inajibu kwa HTTP {code}",
    "not proven: e-Kwanza answers with HTTP {code}": "haijathibitishwa: e-Kwanza inajibu kwa HTTP {code}",
}

SWAHILI: Mapping[str, str] = {**_PAGE, **_RAILS, **_SAID, **_MPESA, **_EKWANZA}
