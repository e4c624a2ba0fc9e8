import com.fasterxml.jackson.databind.ObjectMapper; // comes with veraPDF
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.StringReader;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.processor.reports.enums.JobEndStatus;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

/**
 * Has each PDF judged by veraPDF (as PDF/A-3A and PDF/UA-1) and by Mustangproject (as Factur-X), in one JVM.
 *
 * <p>Argument: Mustang's shaded jar; veraPDF is on the class path. Standard input: the paths of the
 * PDFs, separated by NUL. Standard output: one JSON object a line for each file and judge, see
 * {@link Verdict}. Whatever the judges print themselves goes to standard error.
 *
 * <p>Mustang's jar carries another veraPDF (1.26.5) under the same package names. It lives in a
 * class loader that sees nothing but that jar and the JDK, and is called by reflection.
 */
public class Judges {

  /** What one judge says of one file: it passed if there are no errors. */
  record Verdict(
      String judge, String version, String file, Set<String> errors, Set<String> notices) {}

  /** Finds what is wrong with a file, and adds it to the two sets. */
  interface Judge {
    void judge(String file, Set<String> errors, Set<String> notices) throws Exception;
  }

  /** One failed check in the text form of veraPDF's ValidationResult, which Mustang reports. */
  private static final Pattern FAILED_CHECK =
      Pattern.compile(
          "clause=([^,]+), testNumber=(\\d+)], status=failed, message=(.*?), location=Location ",
          Pattern.DOTALL);

  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    String paths = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);

    VeraGreenfieldFoundryProvider.initialise();
    String veraPdf = version(Judges.class.getClassLoader(), "org.verapdf/validation-model");
    URL[] jar = {Path.of(args[0]).toUri().toURL()};
    ClassLoader loader = new URLClassLoader(jar, ClassLoader.getPlatformClassLoader());
    Class<?> validator = loader.loadClass("org.mustangproject.validator.ZUGFeRDValidator");
    String mustang = version(loader, "org.mustangproject/validator");

    ObjectMapper json = new ObjectMapper();
    for (String file : paths.split("\0")) {
      Verdict first = verdict("veraPDF", veraPdf, file, Judges::veraPdf);
      out.println(json.writeValueAsString(first));
      Judge judge = (path, errors, notices) -> mustang(validator, path, errors, notices);
      Verdict second = verdict("Mustangproject", mustang, file, judge);
      out.println(json.writeValueAsString(second));
    }
  }

  /** A judge that breaks down over a file has not passed it. */
  private static Verdict verdict(String name, String version, String file, Judge judge) {
    Set<String> errors = new LinkedHashSet<>();
    Set<String> notices = new LinkedHashSet<>();
    try {
      judge.judge(file, errors, notices);
    } catch (Throwable problem) {
      problem.printStackTrace();
      errors.add("could not be judged: " + problem);
    }
    return new Verdict(name, version, file, errors, notices);
  }

  private static void veraPdf(String file, Set<String> errors, Set<String> notices)
      throws Exception {
    for (var flavour : List.of(PDFAFlavour.PDFA_3_A, PDFAFlavour.PDFUA_1)) {
      veraPdf(file, flavour, errors);
    }
  }

  private static void veraPdf(String file, PDFAFlavour flavour, Set<String> errors)
      throws Exception {
    try (var parser = Foundries.defaultInstance().createParser(new File(file), flavour);
        var validator = Foundries.defaultInstance().createValidator(flavour, false)) {
      var result = validator.validate(parser);
      for (var check : result.getTestAssertions()) {
        var rule = check.getRuleId();
        String id = flavour.getId() + " [" + rule.getClause() + "-" + rule.getTestNumber() + "] ";
        errors.add(oneLine(id + check.getMessage()));
      }
      boolean finished =
          result.getJobEndStatus() == JobEndStatus.NORMAL && result.getTotalAssertions() > 0;
      if (errors.isEmpty() && !(finished && result.isCompliant())) {
        errors.add(flavour.getId() + " refused without a reason");
      }
    }
  }

  /**
   * Reads the whole report: Mustang 2.22.0 calls a file "completely valid", and its last summary
   * "valid", as soon as the XML is, although the summary of the PDF part says "invalid".
   */
  private static void mustang(
      Class<?> validator, String file, Set<String> errors, Set<String> notices) throws Exception {
    Element report = parse(mustangReport(validator, file));

    for (Element messages : elements(report, "messages")) {
      for (Element message : elements(messages, "*")) {
        boolean harmless = Set.of("notice", "warning").contains(message.getTagName());
        String text = message.getTextContent().split("<stacktrace>")[0];
        (harmless ? notices : errors).add(oneLine(text));
      }
    }
    for (Element part : elements(report, "pdf")) {
      var check = FAILED_CHECK.matcher(part.getTextContent());
      while (check.find()) {
        String id = "[" + check.group(1) + "-" + check.group(2) + "] ";
        errors.add(oneLine(id + check.group(3)));
      }
    }
    if (errors.isEmpty() && !approved(report)) {
      errors.add("refused without a reason");
    }
  }

  /** Whether the PDF part and the XML part were both judged, and every summary says "valid". */
  private static boolean approved(Element report) {
    boolean summaries =
        elements(report, "summary").stream()
            .allMatch(summary -> summary.getAttribute("status").equals("valid"));
    boolean pdf =
        elements(report, "pdf").stream()
            .anyMatch(part -> part.getTextContent().contains("isCompliant=true"));
    boolean xml =
        elements(report, "fired").stream()
            .anyMatch(fired -> Integer.parseInt(fired.getTextContent().strip()) > 0);
    return summaries && pdf && xml;
  }

  private static String mustangReport(Class<?> validator, String file) throws Exception {
    // XSLT and JAXB look for their implementations in the thread's class loader.
    Thread thread = Thread.currentThread();
    ClassLoader ours = thread.getContextClassLoader();
    thread.setContextClassLoader(validator.getClassLoader());
    try {
      // A validator keeps state from one file to the next, hence a new one.
      Object fresh = validator.getConstructor().newInstance();
      // Bytes under a plain name: Mustang's report is no XML where the name has an apostrophe.
      byte[] pdf = Files.readAllBytes(Path.of(file));
      return (String)
          validator
              .getMethod("validate", byte[].class, String.class)
              .invoke(fresh, pdf, "invoice.pdf");
    } catch (InvocationTargetException problem) {
      throw problem.getCause() instanceof Exception cause ? cause : problem;
    } finally {
      thread.setContextClassLoader(ours);
    }
  }

  private static Element parse(String xml) throws Exception {
    var builder = DocumentBuilderFactory.newInstance().newDocumentBuilder();
    return builder.parse(new InputSource(new StringReader(xml))).getDocumentElement();
  }

  private static List<Element> elements(Element root, String tag) {
    NodeList nodes = root.getElementsByTagName(tag);
    List<Element> found = new ArrayList<>();
    for (int i = 0; i < nodes.getLength(); i++) {
      found.add((Element) nodes.item(i));
    }
    return found;
  }

  private static String oneLine(String text) {
    return text.strip().replaceAll("\\s+", " ");
  }

  /** The version that a jar says it is, so that the report names what really ran. */
  private static String version(ClassLoader loader, String artifact) throws IOException {
    String path = "META-INF/maven/" + artifact + "/pom.properties";
    try (InputStream stream = loader.getResourceAsStream(path)) {
      Properties properties = new Properties();
      properties.load(stream);
      return properties.getProperty("version");
    }
  }
}
