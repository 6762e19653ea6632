package dev.coracle.bench;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Dimension;
import java.awt.Font;
import java.awt.Paint;
import java.awt.geom.Rectangle2D;
import java.awt.geom.RoundRectangle2D;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.batik.dom.GenericDOMImplementation;
import org.apache.batik.svggen.SVGGeneratorContext;
import org.apache.batik.svggen.SVGGraphics2D;
import org.apache.batik.svggen.SVGSyntax;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.AxisSpace;
import org.jfree.chart.axis.CategoryAxis;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.labels.CategoryItemLabelGenerator;
import org.jfree.chart.labels.ItemLabelAnchor;
import org.jfree.chart.labels.ItemLabelPosition;
import org.jfree.chart.plot.CategoryPlot;
import org.jfree.chart.plot.PlotOrientation;
import org.jfree.chart.renderer.category.BarRenderer;
import org.jfree.chart.renderer.category.StandardBarPainter;
import org.jfree.chart.ui.RectangleInsets;
import org.jfree.chart.ui.TextAnchor;
import org.jfree.data.category.CategoryDataset;
import org.jfree.data.category.DefaultCategoryDataset;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/** The report as an SVG: one panel of horizontal bars for each thing that a reader asks first. */
final class Chart {
  private static final int WIDTH = 760;
  private static final int MARGIN = 24;
  private static final int HEADING = 78;
  private static final int PANEL_HEADING = 22;
  private static final int BAR = 24;
  private static final int PANEL_GAP = 18;
  private static final int NAMES_WIDTH = 130;

  private static final Color BACKGROUND = new Color(0xffffff);
  private static final Color BORDER = new Color(0xd1d9e0);
  private static final Color TEXT = new Color(0x1f2328);
  private static final Color SOFT_TEXT = new Color(0x59636e);
  private static final Color SELF = new Color(0xbf5b04);
  private static final Color PEER = new Color(0x8c959f);
  private static final Color FLOOR = new Color(0xc5ccd3);

  /** One panel. */
  private record Panel(String title, Unit unit, List<Bar> bars) {
    int height() {
      return PANEL_HEADING + BAR * bars.size();
    }
  }

  private record Bar(String name, double value, Color color) {}

  private enum Unit {
    MILLIS,
    MEGABYTES
  }

  private Chart() {}

  static void write(Report report, Path file) throws IOException {
    List<Panel> panels = panels(report);
    int height = HEADING + MARGIN / 2;
    for (Panel panel : panels) {
      height += panel.height() + PANEL_GAP;
    }
    Document document =
        GenericDOMImplementation.getDOMImplementation()
            .createDocument(SVGSyntax.SVG_NAMESPACE_URI, "svg", null);
    SVGGeneratorContext context = SVGGeneratorContext.createDefault(document);
    context.setComment("Drawn by bench/; see bench/README.md");
    SVGGraphics2D g = new SVGGraphics2D(context, false);
    g.setSVGCanvasSize(new Dimension(WIDTH, height));
    draw(g, report, panels, height);
    Files.createDirectories(Report.parent(file));
    Element root = g.getRoot();
    root.setAttribute("viewBox", "0 0 " + WIDTH + " " + height);
    Element style = document.createElementNS(SVGSyntax.SVG_NAMESPACE_URI, "style");
    style.setTextContent(dark());
    root.insertBefore(style, root.getFirstChild());
    try (Writer writer = Files.newBufferedWriter(file)) {
      g.stream(root, writer, false, false);
    }
  }

  /** The same drawing for a dark page: the browser picks by the reader's own setting. */
  private static String dark() {
    return "@media (prefers-color-scheme: dark) {\n"
        + rule("fill", BACKGROUND, "#0d1117")
        + rule("stroke", BORDER, "#3d444d")
        + rule("fill", TEXT, "#f0f6fc")
        + rule("fill", SOFT_TEXT, "#9198a1")
        + rule("fill", SELF, "#f0883e")
        + rule("fill", PEER, "#6e7681")
        + rule("fill", FLOOR, "#484f58")
        + "}\n";
  }

  private static String rule(String attribute, Color light, String dark) {
    return "  [" + attribute + "=\"" + svg(light) + "\"] { " + attribute + ": " + dark + " }\n";
  }

  /** A colour as Batik writes it. */
  private static String svg(Color c) {
    return c.equals(BACKGROUND)
        ? "white"
        : "rgb(" + c.getRed() + "," + c.getGreen() + "," + c.getBlue() + ")";
  }

  private static List<Panel> panels(Report report) {
    List<Panel> panels = new ArrayList<>();
    for (Scenario s :
        List.of(
            Scenario.LIFECYCLE,
            Scenario.DOCKER,
            Scenario.EXEC,
            Scenario.COLD,
            Scenario.STATE_RUNNING)) {
      for (Result r : report.results()) {
        // Warm life cycles in both layouts, the rest in the first that was measured.
        if (r.scenario() == s
            && (s == Scenario.LIFECYCLE || first(report, s).equals(Optional.of(r)))) {
          panels.add(timePanel(r));
        }
      }
    }
    first(report, Scenario.MEMORY).map(Chart::memoryPanel).ifPresent(panels::add);
    first(report, Scenario.VERSION).map(Chart::timePanel).ifPresent(panels::add);
    panels.removeIf(p -> p.bars().isEmpty());
    return panels;
  }

  private static Optional<Result> first(Report report, Scenario s) {
    return report.results().stream().filter(r -> r.scenario() == s).findFirst();
  }

  private static Panel timePanel(Result r) {
    List<Bar> bars = new ArrayList<>();
    for (Figures f : r.figures()) {
      bars.add(new Bar(f.name(), f.medianMillis(Figures.TOTAL), color(f)));
    }
    return new Panel(r.title(), Unit.MILLIS, bars);
  }

  private static Panel memoryPanel(Result r) {
    List<Bar> bars = new ArrayList<>();
    for (Figures f : r.figures()) {
      bars.add(new Bar(f.name(), f.maxPeakKb() * 1024 / 1e6, color(f)));
    }
    return new Panel(r.title(), Unit.MEGABYTES, bars);
  }

  private static Color color(Figures f) {
    return switch (f.contender()) {
      case "coracle" -> SELF;
      case "crun", "runc" -> PEER;
      default -> FLOOR;
    };
  }

  private static void draw(SVGGraphics2D g, Report report, List<Panel> panels, int height) {
    RoundRectangle2D card = new RoundRectangle2D.Double(0.5, 0.5, WIDTH - 1, height - 1, 12, 12);
    g.setPaint(BACKGROUND);
    g.fill(card);
    g.setPaint(BORDER);
    g.draw(card);
    text(g, TEXT, font(Font.BOLD, 18), "Coracle beside its peers: medians, shorter is better", 36);
    text(g, SOFT_TEXT, font(Font.PLAIN, 12), report.date() + ", " + report.machine().summary(), 56);
    text(g, SOFT_TEXT, font(Font.PLAIN, 12), String.join(" · ", report.versions().values()), 72);
    int y = HEADING + MARGIN / 2;
    for (Panel panel : panels) {
      text(g, TEXT, font(Font.BOLD, 13), panel.title(), y + 14);
      plot(panel)
          .draw(
              g,
              new Rectangle2D.Double(
                  MARGIN, y + PANEL_HEADING, WIDTH - 2 * MARGIN, BAR * panel.bars().size()));
      y += panel.height() + PANEL_GAP;
    }
  }

  private static void text(SVGGraphics2D g, Color color, Font font, String text, int y) {
    g.setPaint(color);
    g.setFont(font);
    g.drawString(text, MARGIN, y);
  }

  private static JFreeChart plot(Panel panel) {
    DefaultCategoryDataset data = new DefaultCategoryDataset();
    for (Bar bar : panel.bars()) {
      data.addValue(bar.value(), panel.unit(), bar.name());
    }
    CategoryPlot plot = new CategoryPlot(data, names(), values(panel), renderer(panel));
    plot.setOrientation(PlotOrientation.HORIZONTAL);
    plot.setOutlineVisible(false);
    plot.setBackgroundPaint(null);
    plot.setRangeGridlinesVisible(false);
    // The same width in every panel, so that all bars begin in one line.
    AxisSpace names = new AxisSpace();
    names.setLeft(NAMES_WIDTH);
    plot.setFixedDomainAxisSpace(names);
    plot.setInsets(RectangleInsets.ZERO_INSETS);
    plot.setAxisOffset(RectangleInsets.ZERO_INSETS);
    JFreeChart chart = new JFreeChart(null, JFreeChart.DEFAULT_TITLE_FONT, plot, false);
    chart.setBackgroundPaint(null);
    chart.setPadding(RectangleInsets.ZERO_INSETS);
    return chart;
  }

  private static CategoryAxis names() {
    CategoryAxis axis = new CategoryAxis();
    axis.setTickLabelFont(font(Font.PLAIN, 12));
    axis.setTickLabelPaint(TEXT);
    axis.setAxisLineVisible(false);
    axis.setTickMarksVisible(false);
    axis.setLowerMargin(0.01);
    axis.setUpperMargin(0.01);
    axis.setCategoryMargin(0.3);
    return axis;
  }

  private static NumberAxis values(Panel panel) {
    double max = panel.bars().stream().mapToDouble(Bar::value).max().orElse(1);
    NumberAxis axis = new NumberAxis();
    axis.setVisible(false);
    axis.setRange(0, max * 1.15); // room for the longest bar's label
    return axis;
  }

  private static BarRenderer renderer(Panel panel) {
    BarRenderer renderer =
        new BarRenderer() {
          private static final long serialVersionUID = 1L;

          @Override
          public Paint getItemPaint(int row, int column) {
            return panel.bars().get(column).color();
          }
        };
    renderer.setBarPainter(new StandardBarPainter());
    renderer.setShadowVisible(false);
    renderer.setDrawBarOutline(false);
    renderer.setDefaultOutlineStroke(new BasicStroke(0));
    renderer.setDefaultItemLabelsVisible(true);
    renderer.setDefaultItemLabelFont(font(Font.PLAIN, 12));
    renderer.setDefaultItemLabelPaint(TEXT);
    renderer.setDefaultItemLabelGenerator(new ValueLabels(panel));
    renderer.setDefaultPositiveItemLabelPosition(
        new ItemLabelPosition(ItemLabelAnchor.OUTSIDE3, TextAnchor.CENTER_LEFT));
    return renderer;
  }

  /** What stands behind each bar. */
  private record ValueLabels(Panel panel) implements CategoryItemLabelGenerator {
    @Override
    public String generateRowLabel(CategoryDataset data, int row) {
      return "";
    }

    @Override
    public String generateColumnLabel(CategoryDataset data, int column) {
      return "";
    }

    @Override
    public String generateLabel(CategoryDataset data, int row, int column) {
      return label(panel.unit(), panel.bars().get(column).value());
    }
  }

  private static String label(Unit unit, double value) {
    String format = value < 1 ? "%.2f %s" : "%.1f %s";
    return String.format(Locale.ROOT, format, value, unit == Unit.MILLIS ? "ms" : "MB");
  }

  private static Font font(int style, int size) {
    return new Font(Font.SANS_SERIF, style, size);
  }
}
